/**
 * Says rightly, for those who hear the page, what GraphiQL's tabs are: its package calls each list item a tab and puts buttons
 * into it, which nobody gets to then. A list of buttons is what they are, one of them the current one.
 */
export function mendRoles(root: Element): void {
  const mend = (): void => {
    for (const list of root.querySelectorAll(".graphiql-tabs[role]")) list.removeAttribute("role");
    for (const item of root.querySelectorAll(".graphiql-tab")) mendTab(item);
    root.querySelector("#graphiql-session[role=tabpanel]")?.setAttribute("role", "group");
  };
  new MutationObserver(mend).observe(root, { childList: true, subtree: true, attributeFilter: ["aria-selected"] });
}

function mendTab(item: Element): void {
  item.removeAttribute("role");
  item.removeAttribute("aria-selected");
  const isCurrent = item.classList.contains("graphiql-tab-active");
  item.querySelector(".graphiql-tab-button")?.setAttribute("aria-current", String(isCurrent));
}
