/** Where Apollo Sandbox comes from: its script, and the frame that it works in. */
const sandboxScripts = "https://embeddable-sandbox.cdn.apollographql.com";
const sandboxFrame = "https://sandbox.embed.apollographql.com";
const sandboxAssets = "https://apollo-server-landing-page.cdn.apollographql.com";

/**
 * The Content-Security-Policy of the page with Apollo Sandbox: its own inline scripts by their nonce, Apollo's script, frame, icon and
 * fonts, and requests to this gateway only.
 * @param html the page; its nonce is a new one each time
 */
export function sandboxPolicy(html: string): string {
  const nonce = /nonce="([0-9a-f]+)"/.exec(html)?.[1] ?? "";
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' ${sandboxScripts}`,
    `style-src 'nonce-${nonce}' ${sandboxScripts} https://fonts.googleapis.com`,
    "font-src https://fonts.gstatic.com",
    `img-src ${sandboxAssets}`,
    `manifest-src ${sandboxAssets}`,
    `frame-src ${sandboxFrame}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
