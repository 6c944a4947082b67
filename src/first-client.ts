import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { firstClientId } from "./access/api-clients.ts";
import type { ApiClients } from "./access/api-clients.ts";
import { ConfigError } from "./config.ts";
import type { Config } from "./config.ts";

const secretFileName = "admin-client.secret";

/** Where an administrator gets the first access token from. */
export type FirstClient =
  /** Its secret is in a file of the data folder, which only its owner can read. */
  | { readonly kind: "generated"; readonly id: string; readonly secretFile: string; readonly newSecret: string | null }
  /** ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET. */
  | { readonly kind: "configured"; readonly id: string }
  /** Somebody else made the clients, and keeps their secrets. */
  | { readonly kind: "unknown" };

/** Sees to it that there is a client to ask for tokens with: the one that the settings name, or a generated one. */
export async function ensureFirstClient(clients: ApiClients, { adminClient, dataDir }: Config): Promise<FirstClient> {
  if (adminClient !== null) {
    const outcome = await clients.ensure(adminClient.id, adminClient.secret);
    if (outcome === "revoked") throw new ConfigError(`ADMIN_CLIENT_ID names the client ${adminClient.id}, which was revoked`);
    return { kind: "configured", id: adminClient.id };
  }
  await mkdir(dataDir, { recursive: true });
  const secretFile = join(dataDir, secretFileName);
  // Under a name of its own until the client is made: of gateways that start at once one makes it.
  const draft = `${secretFile}.${randomBytes(6).toString("hex")}`;
  const created = await clients.createFirst((secret) => writeFile(draft, secret, { mode: 0o600 }));
  if (created !== null) {
    await rename(draft, secretFile);
    return { kind: "generated", id: firstClientId, secretFile, newSecret: created.secret };
  }
  await rm(draft, { force: true });
  if (!existsSync(secretFile)) await recoverDraft(clients, dataDir);
  return existsSync(secretFile) ? { kind: "generated", id: firstClientId, secretFile, newSecret: null } : { kind: "unknown" };
}

/** A gateway that was killed right after it had made the client left its secret under the draft's name. */
async function recoverDraft(clients: ApiClients, dataDir: string): Promise<void> {
  const drafts = (await readdir(dataDir)).filter((name) => name.startsWith(`${secretFileName}.`));
  for (const draft of drafts.map((name) => join(dataDir, name))) {
    const isItsSecret = (await clients.findBySecret(firstClientId, await readFile(draft, "utf8"))) !== null;
    if (isItsSecret) await rename(draft, join(dataDir, secretFileName));
  }
}
