import { Client } from "pg";
import { ConfigError } from "../config.ts";
import { messageOf } from "../error-message.ts";

const versionMin = 150_000;

/**
 * Looks at a database before anything is served from it: whether it can be reached, is new enough, and keeps what it
 * acknowledges.
 * @param allowsUnsafe serves all the same from one that may lose what it acknowledged
 * @throws ConfigError that names the setting, and never repeats the URL: it holds the password
 */
export async function checkDatabase(databaseUrl: string, allowsUnsafe: boolean): Promise<void> {
  const client = createClient(databaseUrl);
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, string>>(`
      SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding,
             current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
             current_setting('synchronous_commit') AS synchronous_commit`);
    const { version, encoding, ...durability } = rows[0] ?? {};
    if (Number(version) < versionMin) throw new ConfigError("DATABASE_URL: PostgreSQL has to be version 15 or later");
    if (encoding !== "UTF8")
      throw new ConfigError(`DATABASE_URL: the database's encoding has to be UTF8, and is ${encoding}`);
    const off = Object.entries(durability).flatMap(([name, value]) => (value === "off" ? [name] : []));
    if (off.length > 0 && !allowsUnsafe)
      throw new ConfigError(
        `DATABASE_URL: this PostgreSQL can lose what it acknowledged: ${off.join(", ")} off. Turn that on, or set UNSAFE_DATABASE=allow`,
      );
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`DATABASE_URL: the database can't be reached: ${messageOf(error)}`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @throws ConfigError for parameters of the URL that can't be read, or name files that are not there */
function createClient(databaseUrl: string): Client {
  try {
    const client = new Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
    });
    // A lost connection also rejects the query that runs.
    return client.on("error", () => undefined);
  } catch (error) {
    throw new ConfigError(`DATABASE_URL can't be used: ${messageOf(error)}`, { cause: error });
  }
}
