import { Client } from "pg";

/** The statements about stock that a request makes its server send, in the driver itself: nothing can go past it. */
export async function statementsOf(request: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = [];
  // oxlint-disable-next-line typescript/unbound-method -- it is called with the client that it was called on
  const original = Client.prototype.query;
  Client.prototype.query = function (this: Client, ...args: unknown[]) {
    const [query] = args;
    statements.push(typeof query === "string" ? query : String(Reflect.get(Object(query), "text")));
    return Reflect.apply(original, this, args);
  } as typeof original;
  try {
    await request();
  } finally {
    Client.prototype.query = original;
  }
  return statements
    .filter((statement) => /\b(stock|stock_transaction)\b/.test(statement))
    .map((statement) => statement.replaceAll(/\s+/g, " "));
}
