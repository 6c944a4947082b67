import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/*
 * PostGraphile over the gateway's tables, in a process of its own, put together as its documentation does it. Started by ServerProcess
 * with the folder where PostGraphile is installed and the URL of a database that has the function move_stock.
 */

const [, , folder, databaseUrl] = process.argv;
const require = createRequire(join(folder, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { postgraphile } = await load("postgraphile");
const { PostGraphileAmberPreset } = await load("postgraphile/presets/amber");
const { makePgService } = await load("postgraphile/adaptors/pg");
const { grafserv } = await load("postgraphile/grafserv/node");

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString: databaseUrl, schemas: ["public"] })],
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
  grafast: { explain: false },
});
const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(0, "127.0.0.1", () => {
  // Nobody is asked who he is.
  process.send({ kind: "ready", url: `http://127.0.0.1:${server.address().port}`, token: "none" });
});

process.on("message", (message) => {
  if (message === "usage") {
    const { user, system } = process.cpuUsage();
    process.send({ kind: "usage", cpuMicros: user + system, rssBytes: process.memoryUsage.rss() });
  } else process.disconnect();
});
process.once("disconnect", () => process.exit());
