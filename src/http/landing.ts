import { createHash } from "node:crypto";

/** A place that a person may want to go to. */
interface Place {
  readonly path: string;
  readonly name: string;
  readonly text: string;
}

const places: readonly Place[] = [
  { path: "/console", name: "Console", text: "See the stock live and move it, one product at a time or in bulk." },
  { path: "/graphql", name: "Apollo Sandbox", text: "Try the GraphQL API. Comes from Apollo: needs the internet." },
  { path: "/graphiql", name: "GraphiQL", text: "Try the GraphQL API with what this gateway brings along." },
  { path: "/openapi.json", name: "OpenAPI", text: "The REST API, which is Elastic Path's, described for machines." },
  { path: "/readyz", name: "Health", text: "Whether the gateway and its database answer." },
];

const styles = `
:root { color-scheme: light dark; --page: #f6f8f8; --card: #fff; --line: #dfe5e4; --text: #14201f; --soft: #50605e; --accent: #0f766e; --well: #157347; --away: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0d1414; --card: #141d1d; --line: #2a3737; --text: #e6eeed; --soft: #9fb1ae; --accent: #2dd4bf; --well: #4ade80; --away: #ff8a80; }
}
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 720px; margin: 0 auto; padding: 8vh 20px; box-sizing: border-box; }
h1 { font-size: 1.7rem; letter-spacing: -0.02em; margin: 0; }
p { color: var(--soft); margin: 4px 0 0; }
ul { list-style: none; padding: 0; margin: 28px 0; display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); }
a { display: block; height: 100%; box-sizing: border-box; padding: 16px 18px; border: 1px solid var(--line); border-radius: 12px; background: var(--card); color: inherit; text-decoration: none; }
a:hover, a:focus-visible { border-color: var(--accent); outline: 2px solid var(--accent); outline-offset: -1px; }
strong { color: var(--accent); }
li:first-child { grid-column: 1 / -1; }
.state::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 8px; background: var(--well); }
.state.away::before { background: var(--away); }
`;

const stylesHash = createHash("sha256").update(styles).digest("base64");

/** The page's own policy: its one block of styles, and nothing else. */
export const landingPolicy = `default-src 'none'; style-src 'sha256-${stylesHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** What a person sees who opens the gateway's address: what runs here, and where to go. */
export function landingPage(isReady: boolean): string {
  const state = isReady ? "Running, and the database answers." : "Running, but the database does not answer.";
  const items = places.map(
    ({ path, name, text }) => `<li><a href="${path}"><strong>${name}</strong><p>${text}</p></a></li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>inventory-gateway</title>
<style>${styles}</style>
</head>
<body>
<main>
<h1>inventory-gateway</h1>
<p>The stock of a shop, behind GraphQL and REST.</p>
<p class="state${isReady ? "" : " away"}">${state}</p>
<ul>
${items.join("\n")}
</ul>
</main>
</body>
</html>
`;
}
