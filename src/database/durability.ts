import { Client } from "pg";
import { ConfigError } from "../config.ts";
import { messageOf } from "../error-message.ts";
import { findGuardFaults } from "./guards.ts";
import { sessionOf, sessionSettings } from "./session.ts";

const versionMin = 150_000;
const serverSettings = ["server_version_num", "server_encoding", "transaction_read_only", "synchronous_standby_names"];
/** Any of them off, a crash of the server or of its machine can lose what was acknowledged. */
const durabilitySettings = ["fsync", "full_page_writes", "synchronous_commit"] as const;
/** With these a COMMIT does not wait until a synchronous standby has it on disk: a failover would lose it. */
const unreplicatedCommits = ["local", "remote_write"];

/** A database, and the setting that it comes from: the one that messages name. */
export interface DatabasePlace {
  readonly url: string;
  readonly setting: "DATABASE_URL" | "DATABASE_REPLICA_URL" | "DATA_DIR";
}

/**
 * Looks at a database before anything is done with it: whether it can be reached, is new enough, keeps what it
 * acknowledges, and opens sessions as they are asked for.
 * @param allowsUnsafe serves all the same from one that may lose what it acknowledged
 * @throws ConfigError that names the setting, and never repeats the URL: it holds the password
 */
export async function checkDatabase(place: DatabasePlace, allowsUnsafe: boolean): Promise<void> {
  await withClient(place, async (client) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE name = ANY($1)",
      [[...serverSettings, ...durabilitySettings, ...Object.keys(sessionSettings)]],
    );
    const actual = new Map(rows.map(({ name, setting }) => [name, setting]));
    const version = Number(actual.get("server_version_num"));
    if (!(version >= versionMin)) throw new ConfigError("PostgreSQL has to be version 15 or later");
    const encoding = actual.get("server_encoding");
    if (encoding !== "UTF8") throw new ConfigError(`the database's encoding has to be UTF8, and is ${encoding}`);
    if (actual.get("transaction_read_only") === "on")
      throw new ConfigError("this PostgreSQL takes no writes: it is a standby, or default_transaction_read_only is on");
    const off = durabilitySettings.filter((name) => actual.get(name) === "off");
    if (off.length > 0 && !allowsUnsafe)
      throw new ConfigError(
        `this PostgreSQL can lose what it acknowledged: ${off.join(", ")} off. Turn that on, or set UNSAFE_DATABASE=allow`,
      );
    const commit = actual.get("synchronous_commit") ?? "";
    if (actual.get("synchronous_standby_names") !== "" && unreplicatedCommits.includes(commit) && !allowsUnsafe)
      throw new ConfigError(
        `a failover of this PostgreSQL can lose what it acknowledged: synchronous_commit is ${commit}, and does not wait for the ` +
          "synchronous standby. Set it to on, or set UNSAFE_DATABASE=allow",
      );
    const ignored = Object.entries(sessionSettings).filter(([name, value]) => actual.get(name) !== value);
    if (ignored.length > 0)
      throw new ConfigError(
        `the database's sessions don't have ${ignored.map(([name, value]) => `${name}=${value}`).join(", ")}, as the gateway asks. ` +
          "Take `options` out of the URL, or have the pooler in between pass them on",
      );
  });
}

/**
 * Looks at the tables of a migrated database before anything is served from them: whether each CHECK and each unique key
 * that the migrations made is still there.
 * @throws ConfigError that names the setting and the constraints
 */
export async function checkGuards(place: DatabasePlace): Promise<void> {
  await withClient(place, async (client) => {
    const faults = await findGuardFaults(client);
    if (faults.length > 0)
      throw new ConfigError(
        `the tables don't keep their own rules: ${faults.join(", ")}. ` +
          "Make the constraint again as prisma/migrations has it, or set UNSAFE_DATABASE=allow",
      );
  });
}

/** How many connections the server takes from those who are no superusers, other programs' among them. @throws ConfigError */
export async function readConnectionsMax(place: DatabasePlace): Promise<number> {
  return withClient(place, async (client) => {
    const { rows } = await client.query<{ count: number }>(
      "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS count",
    );
    return rows[0]?.count ?? 0;
  });
}

/** Lends a session for a look. @throws ConfigError with the name of the setting in front */
export async function withClient<T>({ url, setting }: DatabasePlace, use: (client: Client) => Promise<T>): Promise<T> {
  const client = createClient(url, setting);
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(`${setting}: ${error.message}`, { cause: error });
    throw new ConfigError(`${setting}: the database can't be reached: ${messageOf(error)}`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @throws ConfigError for parameters of the URL that can't be read, or name files that are not there */
function createClient(databaseUrl: string, setting: DatabasePlace["setting"]): Client {
  try {
    const client = new Client(sessionOf(databaseUrl, { name: "inventory-gateway start" }));
    // A lost connection also rejects the query that runs.
    return client.on("error", () => undefined);
  } catch (error) {
    throw new ConfigError(`${setting} can't be used: ${messageOf(error)}`, { cause: error });
  }
}
