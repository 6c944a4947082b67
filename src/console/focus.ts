/** As the `ref` of a button: gives it the keyboard as it appears, where the button that had it is gone. */
export function takeLostFocus(button: HTMLElement | null): void {
  if (document.activeElement === document.body) button?.focus({ preventScroll: true });
}
