import { Client } from "pg";
import type { Scope } from "../../src/access/principal.ts";
import { createPrisma } from "../../src/database/prisma.ts";
import { forge, readSigningKey } from "../access/support.ts";
import { startTestGateway } from "../support/gateway.ts";
import type { TestGateway, TestGatewayOptions } from "../support/gateway.ts";
import { Shop } from "../support/shop.ts";

/** How far behind the gateway's clock another one may be, in seconds: a token holds for so long after its end. */
const clockToleranceSeconds = 5;

/** An API client with an access token. */
export interface Caller {
  readonly id: string;
  readonly token: string;
}

/** A gateway whose ledger is followed, and its database. */
export class FeedWorld {
  readonly gateway: TestGateway;
  readonly url: string;
  readonly database: Client;
  /** Makes the stock transactions. */
  readonly shop: Shop;

  private constructor(gateway: TestGateway, database: Client, shop: Shop) {
    this.gateway = gateway;
    this.url = gateway.url;
    this.database = database;
    this.shop = shop;
  }

  static async open(options: TestGatewayOptions = {}): Promise<FeedWorld> {
    const gateway = await startTestGateway(options);
    const database = new Client({ connectionString: gateway.databaseUrl });
    await database.connect();
    return new FeedWorld(gateway, database, await Shop.open(gateway));
  }

  async close(): Promise<void> {
    await this.database.end();
    await this.gateway.close();
  }

  async newCaller(scopes: readonly Scope[] = ["inventory:read"]): Promise<Caller> {
    const { client, secret } = await this.gateway.gateway.clients.create({ name: "Caller", scopes, implicit: false });
    const form = { grant_type: "client_credentials", client_id: client.id, client_secret: secret };
    const response = await fetch(`${this.url}/oauth/access_token`, { method: "POST", body: new URLSearchParams(form) });
    const { access_token: token } = (await response.json()) as { readonly access_token: string };
    return { id: client.id, token };
  }

  /** A token that the gateway could have issued an hour ago: it runs out in so many seconds, or up to one earlier. */
  async agedToken(clientId: string, secondsLeft: number): Promise<string> {
    const prisma = createPrisma(this.gateway.databaseUrl, { poolSize: 1, name: "test", preparesStatements: false });
    const { kid, key } = await readSigningKey(prisma);
    await prisma.$disconnect();
    const now = Math.floor(Date.now() / 1_000);
    const [iss, aud] = ["inventory-gateway", "inventory-gateway"];
    const exp = now + secondsLeft - clockToleranceSeconds;
    const claims = { iss, aud, sub: clientId, client_id: clientId, scope: "inventory:read", iat: exp - 3_600, exp };
    return forge({ alg: "ES256", typ: "at+jwt", kid }, claims, key);
  }

  async receive(productId: string, quantity = 1): Promise<void> {
    const { refusal } = await this.shop.move({ productId, action: "INCREMENT", quantity });
    if (refusal !== null) throw new Error(JSON.stringify(refusal));
  }

  /** The cursor of the newest stock transaction of all; makes one, so that there is one. */
  tip(): Promise<string> {
    return this.shop.tip();
  }

  /** Makes so many, up to 300, stock transactions, each of which {@link largeDocument} answers with some 130 kilobytes. */
  async receiveLarge(productId: string, count: number): Promise<void> {
    const line = { productId, action: "INCREMENT", quantity: 1, note: "€".repeat(1_000) };
    const query = `mutation ($lines: [StockTransactionInput!]!) { createStockTransactions(transactions: $lines) { error { code } } }`;
    const { status } = await this.shop.graphql(query, { lines: Array.from({ length: count }, () => line) });
    if (status !== 200) throw new Error(`Not received: ${status}`);
  }

  /** Waits for a line of the log that has all of it, from a place in the log on. */
  async logged(expected: Readonly<Record<string, unknown>>, from = 0): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const lines = this.gateway.log.slice(from).map((line) => JSON.parse(line) as Record<string, unknown>);
      const line = lines.find((line) => Object.entries(expected).every(([name, value]) => line[name] === value));
      if (line !== undefined) return line;
      await new Promise(setImmediate);
    }
  }
}

/** A subscription whose events are large. */
export const largeDocument = `subscription ($after: String) { stockTransactionCreated(after: $after) {
  cursor node { ${Array.from({ length: 45 }, (_, index) => `note${index}: note`).join(" ")} } } }`;
