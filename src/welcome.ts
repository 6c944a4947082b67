import type { FirstClient } from "./first-client.ts";

/** What a start says to the person in front of it: where things are, and one line that works as pasted. */
export function welcome(url: string, client: FirstClient): string {
  return [
    "",
    `  Console   ${url}/console   in a browser`,
    `  GraphQL   ${url}/graphql`,
    `  Sandbox   ${url}/graphql   in a browser`,
    `  REST      ${url}/v2/inventories   (${url}/openapi.json)`,
    "",
    ...clientLines(client),
    "",
    "  Receive ten units of a product:",
    "",
    `  ${curlLine(url, client)}`,
    "",
    "",
  ].join("\n");
}

function clientLines(client: FirstClient): string[] {
  switch (client.kind) {
    case "configured":
      return [
        `  Client    ${client.id}   (ADMIN_CLIENT_ID)`,
        `  Secret    ${client.secretFile === null ? "ADMIN_CLIENT_SECRET" : `in ${client.secretFile}`}`,
      ];
    case "unknown":
      return ["  Client    made before, and its secret is not kept here: npm run client -- add makes another"];
    case "generated":
      return [
        `  Client    ${client.id}`,
        client.newSecret === null
          ? `  Secret    kept in ${client.secretFile}`
          : `  Secret    ${client.newSecret}   (kept in ${client.secretFile})`,
      ];
  }
}

/** Two calls in one line, for a shell and curl and nothing else: a token, and a stock transaction with it. */
function curlLine(url: string, client: FirstClient): string {
  const clientId = client.kind === "unknown" ? "CLIENT_ID" : client.id;
  const token = [
    `curl -s ${url}/oauth/access_token`,
    "-d grant_type=client_credentials",
    `--data-urlencode ${quote(`client_id=${clientId}`)}`,
    secretOf(client),
    `| sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'`,
  ].join(" ");
  const query =
    'mutation { createStockTransaction(productId: "shirt", action: INCREMENT, quantity: 10) { id version availableAfter } }';
  return [
    `curl -s ${url}/graphql`,
    '-H "Content-Type: application/json"',
    `-H "Authorization: Bearer $(${token})"`,
    `-d ${quote(JSON.stringify({ query }))}`,
  ].join(" ");
}

/**
 * Curl reads the secret from its file, so that it is neither in the shell's history nor among the process's arguments;
 * on its standard input, because a path with `=` in it can't be named.
 */
function secretOf(client: FirstClient): string {
  if (client.kind === "generated") return `--data-urlencode client_secret@- < ${quote(client.secretFile)}`;
  if (client.kind === "unknown") return "--data-urlencode client_secret=SECRET";
  // A file that an editor has written ends in a line break, which is no part of the secret.
  const secret = client.secretFile === null ? "$ADMIN_CLIENT_SECRET" : `$(cat ${quote(client.secretFile)})`;
  return `--data-urlencode "client_secret=${secret}"`;
}

/** For a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
