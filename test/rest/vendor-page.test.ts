import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { newProduct, RestClient } from "./rest-client.ts";

// The examples of the vendor's page "Update Inventory": only hosts, ids and credentials are put in, and in the SDK's
// example what "Do something" is.

const run = promisify(execFile);

const curlExample = `
curl -X POST https://api.moltin.com/v2/inventories/:productId/transactions \\
     -H "Authorization: Bearer XXXX" \\
     -H "Content-Type: application/json" \\
     -d $'{
       "data": {
         "type": "stock-transaction",
         "action": "increment",
         "quantity": 10
       }
     }'
`;

const sdkExample = `
const MoltinGateway = require('@moltin/sdk').gateway
const Moltin = MoltinGateway({
  client_id: 'X',
  client_secret: 'X'
})
const productId = 'XXXX'
const quantity = 10
Moltin.Inventories.IncrementStock(productId, quantity).then(transaction => {
  // Do something
})
Moltin.Inventories.DecrementStock(productId, quantity).then(transaction => {
  // Do something
})
Moltin.Inventories.AllocateStock(productId, quantity).then(transaction => {
  // Do something
})
Moltin.Inventories.DeallocateStock(productId, quantity).then(transaction => {
  // Do something
})
`;

const nodeModules = fileURLToPath(new URL("../../node_modules", import.meta.url));

let gateway: TestGateway;
let rest: RestClient;
let folder: string;

beforeAll(async () => {
  gateway = await startTestGateway();
  rest = await RestClient.of(gateway);
  folder = await mkdtemp(join(tmpdir(), "vendor-page-"));
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

function transaction(productId: string, action: string): object {
  return {
    data: {
      id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      type: "stock-transaction",
      action,
      product_id: productId,
      quantity: 10,
      timestamps: { created_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/) },
    },
  };
}

/** Pastes the example into a shell, and gives back what curl wrote and the status. */
async function paste(example: string, productId: string): Promise<readonly [status: number, body: unknown]> {
  const script = example
    .replace("https://api.moltin.com", gateway.url)
    .replace(":productId", productId)
    .replace("XXXX", await gateway.token())
    .replace("curl ", "curl --silent --show-error --write-out '\\n%{http_code}' ");
  const { stdout } = await run("bash", ["-c", script]);
  const lines = stdout.split("\n");
  return [Number(lines.pop()), JSON.parse(lines.join("\n"))];
}

/** Runs the SDK's example as a program of its own, with the SDK's own storage; answers with what it was given. */
async function runExample(productId: string): Promise<unknown[]> {
  const { host } = new URL(gateway.url);
  const script = sdkExample
    .replace("client_id: 'X'", `client_id: '${gateway.clientId}', host: '${host}', protocol: 'http'`)
    .replace("client_secret: 'X'", `client_secret: '${gateway.clientSecret}'`)
    .replace("'XXXX'", `'${productId}'`)
    .replaceAll("// Do something", "console.log(JSON.stringify(transaction))");
  const { stdout } = await run(process.execPath, ["-e", script], {
    cwd: folder,
    env: { ...process.env, NODE_PATH: nodeModules },
  });
  // The SDK itself writes a word on its token there.
  const answers = stdout.split("\n").filter((line) => line.startsWith("{"));
  return answers.map((line) => JSON.parse(line) as unknown);
}

describe("the vendor's page", () => {
  test("its curl example is answered with 200 and the stock transaction, on an empty system", async () => {
    const productId = newProduct();
    expect(await paste(curlExample, productId)).toEqual([200, transaction(productId, "increment")]);
    expect(await rest.levels(productId)).toEqual([10, 0]);
  });

  test("its curl example with an incorrect amount is answered with the 422 it shows", async () => {
    const productId = newProduct();
    await rest.apply(productId, "create", 9);
    expect(await paste(curlExample.replace("increment", "decrement"), productId)).toEqual([
      422,
      {
        errors: [
          {
            status: 422,
            title: "Cannot complete request",
            detail: "Your request could not be completed due to insufficient stock levels",
          },
        ],
      },
    ]);
    expect(await rest.levels(productId)).toEqual([9, 0]);
  });

  test("its SDK example applies all four actions, which it sends at once", async () => {
    const productId = newProduct();
    // Enough of both, because the four arrive in any order.
    await rest.apply(productId, "create", 30);
    await rest.apply(productId, "allocate", 10);
    const answers = await runExample(productId);
    const expected = ["increment", "decrement", "allocate", "deallocate"].map((action) =>
      transaction(productId, action),
    );
    expect(answers).toHaveLength(4);
    expect(answers).toEqual(expect.arrayContaining(expected));
    expect(await rest.levels(productId)).toEqual([20, 10]);
  });
});
