import { createServer } from "node:http";
import { createPrisma } from "../src/database/prisma.ts";
import { PrismaInventoryStorage } from "../src/database/settlement.ts";
import { GroupCommit } from "../src/inventory/group-commit.ts";
import { Inventory } from "../src/inventory/inventory.ts";
import { UsualResolver } from "./usual-resolver.ts";

const [, , variant, url = ""] = process.argv;
const prisma = createPrisma(url, { poolSize: 2, name: "standin", preparesStatements: true });
const settler = variant === "usual" ? await UsualResolver.open(url) : new GroupCommit(new PrismaInventoryStorage(prisma));
const inventory = new Inventory(settler);
const server = createServer((req, res) => {
  let b = "";
  req.on("data", (d) => (b += d));
  req.on("end", async () => {
    if (req.url !== "/graphql") return res.end('{"access_token":"x"}');
    const v = JSON.parse(b).variables;
    try {
    const { transaction } = await inventory.createStockTransaction("x", { ...v, idempotencyKey: null, expectedVersion: null, reason: null, reference: null, note: null });
    res.end(JSON.stringify({ data: { createStockTransaction: transaction } }));
    } catch (e) { res.statusCode = 500; res.end(String(e)); }
    return;
  });
}).listen(0, "127.0.0.1", () => process.send?.({ kind: "ready", url: `http://127.0.0.1:${(server.address() as any).port}`, clientId: "", clientSecret: "" }));
process.on("message", async (m) => {
  if (m === "cpu") {
    const { user, system } = process.cpuUsage();
    process.send?.({ kind: "cpu", micros: user + system });
  } else {
    server.close();
    server.closeIdleConnections();
    await settler.close();
    await prisma.$disconnect();
    process.disconnect();
  }
});
