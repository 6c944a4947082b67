import { randomBytes } from "node:crypto";
import { link, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { firstClientId } from "./access/api-clients.ts";
import type { ApiClients } from "./access/api-clients.ts";
import { ConfigError } from "./config.ts";
import type { Config } from "./config.ts";
import { makeDataFolder } from "./data-folder.ts";
import { messageOf } from "./error-message.ts";

const secretFileName = "admin-client.secret";

/** Where an administrator gets the first access token from. */
export type FirstClient =
  /** Its secret is in a file of the data folder, which only its owner can read. */
  | { readonly kind: "generated"; readonly id: string; readonly secretFile: string; readonly newSecret: string | null }
  /** ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET, or the file that it was read from. */
  | { readonly kind: "configured"; readonly id: string; readonly secretFile: string | null }
  /** Somebody else made the clients, and keeps their secrets. */
  | { readonly kind: "unknown" };

/** Sees to it that there is a client to ask for tokens with: the one that the settings name, or a generated one. */
export async function ensureFirstClient(clients: ApiClients, { adminClient, dataDir }: Config): Promise<FirstClient> {
  if (adminClient !== null) {
    const outcome = await clients.ensure(adminClient.id, adminClient.secret);
    if (outcome === "revoked")
      throw new ConfigError(`ADMIN_CLIENT_ID names the client ${adminClient.id}, which was revoked`);
    return { kind: "configured", id: adminClient.id, secretFile: adminClient.secretFile };
  }
  // Under a name of its own until the client is made: of gateways that start at once one makes it.
  const draft = join(dataDir, `${secretFileName}.${randomBytes(6).toString("hex")}`);
  const created = await clients.createFirst((secret) => keepSecret(dataDir, draft, secret));
  if (created !== null) {
    const secretFile = await nameSecretFile(draft, join(dataDir, secretFileName));
    return { kind: "generated", id: firstClientId, secretFile, newSecret: created.secret };
  }
  await rm(draft, { force: true });
  const secretFile = await findSecretFile(clients, dataDir);
  return secretFile === null
    ? { kind: "unknown" }
    : { kind: "generated", id: firstClientId, secretFile, newSecret: null };
}

async function keepSecret(dataDir: string, file: string, secret: string): Promise<void> {
  try {
    await makeDataFolder(dataDir);
    await writeFile(file, secret, { mode: 0o600 });
  } catch (error) {
    const problem = `the first client's secret can't be kept in ${dataDir}: ${messageOf(error)}`;
    throw new ConfigError(`DATA_DIR: ${problem}; give another, or set ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET`, {
      cause: error,
    });
  }
}

/** Gives it the plain name, unless the secret of another database's client has it. */
async function nameSecretFile(draft: string, secretFile: string): Promise<string> {
  try {
    await link(draft, secretFile);
  } catch {
    return draft;
  }
  await rm(draft);
  return secretFile;
}

/**
 * The file that holds the secret of this database's first client. One start that was killed, or one on another
 * database, may have left several.
 */
async function findSecretFile(clients: ApiClients, dataDir: string): Promise<string | null> {
  const names = await readdir(dataDir).catch(() => []);
  const drafts = names.filter((name) => name.startsWith(`${secretFileName}.`));
  // The plain name last: one that loses its draft's name in between has it by then.
  for (const file of [...drafts, secretFileName].map((name) => join(dataDir, name))) {
    const secret = await readFile(file, "utf8").catch(() => null);
    if (secret !== null && (await clients.findBySecret(firstClientId, secret)) !== null) return file;
  }
  return null;
}
