import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import { Client } from "pg";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";

const log: string[] = [];
let gateway: TestGateway;
let database: Client;

beforeAll(async () => {
  gateway = await startTestGateway({ logger: pino({ level: "trace" }, { write: (line) => void log.push(line) }) });
  database = new Client({ connectionString: gateway.databaseUrl });
  await database.connect();
});

afterAll(async () => {
  await database.end();
  await gateway.close();
});

test("the log has no secret, no token and no argument's value, at its most talkative and for refusals and faults alike", async () => {
  const token = await gateway.token();
  const given = { note: "note-hunter2", reference: "reference-hunter2", idempotencyKey: "key-hunter2" };
  const send = async (path: string, body: string, headers: Record<string, string> = {}): Promise<number> => {
    const response = await fetch(gateway.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      body,
    });
    await response.text();
    return response.status;
  };
  const query = `mutation ($note: String, $reference: String, $idempotencyKey: String) { createStockTransaction(productId: "product-hunter2",
    action: INCREMENT, quantity: 1, note: $note, reference: $reference, idempotencyKey: $idempotencyKey) { version } }`;
  const graphql = JSON.stringify({ query, variables: given });
  const rest = JSON.stringify({
    data: { type: "stock-transaction", action: "increment", quantity: 1, note: given.note, reference: given.reference },
  });
  const key = { "idempotency-key": "other-hunter2" };
  const path = "/v2/inventories/shirt/transactions";

  const statuses = [await send("/graphql", graphql), await send(path, rest, key)];
  // Refused: broken, of the wrong kind, with a token or a secret where it doesn't belong, by somebody else.
  for (const body of [
    graphql.slice(0, -1),
    rest.slice(0, -1),
    graphql.replace("INCREMENT", "HUNTER2"),
    rest.replace("increment", "hunter2"),
  ])
    for (const to of ["/graphql", path]) await send(to, body);
  statuses.push(await send(`/graphql?access_token=${token}&q=hunter2`, "{", { authorization: "" }));
  statuses.push(await send("/graphql", graphql, { authorization: `Bearer ${token}hunter2` }));
  const form = (secret: string): string =>
    `grant_type=client_credentials&client_id=${gateway.clientId}&client_secret=${secret}`;
  const asForm = { "content-type": "application/x-www-form-urlencoded", authorization: "" };
  statuses.push(await send("/oauth/access_token", form(gateway.clientSecret), asForm));
  statuses.push(await send("/oauth/access_token", form("hunter2"), asForm));
  // A fault whose message PostgreSQL makes of the row.
  await database.query("ALTER TABLE stock_transaction ADD CONSTRAINT odd CHECK (note IS NULL) NOT VALID");
  statuses.push(await send("/graphql", graphql.replace("key-hunter2", "key-hunter2-b")));
  statuses.push(await send(path, rest, { "idempotency-key": "other-hunter2-b" }));
  await database.query("ALTER TABLE stock_transaction DROP CONSTRAINT odd");

  expect(statuses).toEqual([200, 200, 400, 401, 200, 401, 200, 500]);
  const lines = log.filter(
    (line) => line.includes("A REST request failed") || line.includes("A GraphQL request met a fault"),
  );
  expect(lines).toHaveLength(2);
  const told = log.filter((line) =>
    [/hunter2/i, new RegExp(token), new RegExp(gateway.clientSecret)].some((secret) => secret.test(line)),
  );
  expect(told).toEqual([]);
});
