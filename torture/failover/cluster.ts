import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, chown, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { debianTools, pathOf, serviceUser } from "../packages.ts";
import { Workshop, eventually, findFreePorts, killIfThere } from "./daemons.ts";
import type { Daemon } from "./daemons.ts";
import { membersSeenBy, statusOf } from "./rest.ts";

/** Three PostgreSQL that Patroni runs, with etcd behind and HAProxy in front, as ops/failover/ configures them. */
export interface FailoverCluster {
  /** Of the database, through HAProxy: whichever member is the primary. */
  readonly url: string;
  readonly members: readonly string[];
  /** Of the database on one member, past HAProxy. */
  memberUrl(name: string): string;
  /** The member that holds the lease and takes writes. @throws Error while there is none */
  primary(): Promise<string>;
  /** Kills PostgreSQL and Patroni of the primary, without a warning. @returns the member's name */
  killPrimary(): Promise<string>;
  /** Starts a member again that was killed; it comes back as a standby. */
  revive(name: string): Promise<void>;
  /** Waits until there is a primary with a synchronous standby, reachable through HAProxy, and every member that lives follows. */
  waitUntilReady(withinMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Short, for a test: in earnest the files' own recommendation. In seconds. */
const timings = { TTL_SECONDS: 8, LOOP_WAIT_SECONDS: 1, RETRY_TIMEOUT_SECONDS: 3 };
const memberNames = ["one", "two", "three"] as const;
const host = "127.0.0.1";
const database = "inventory";
const bootstrapMs = 60_000;

/** The same from torture/ and from build/torture/. */
const packageRoot = fileURLToPath(
  new URL(import.meta.url.includes("/build/") ? "../../../" : "../../", import.meta.url),
);
const templateFolder = join(packageRoot, "ops/failover");

/** A member as it is set up. */
interface Member {
  readonly name: string;
  readonly folder: string;
  readonly postgresPort: number;
  readonly restPort: number;
  patroni: Daemon | null;
}

/** @throws Error that says which package is missing, or what did not start and why */
export async function startFailoverCluster(): Promise<FailoverCluster> {
  // Asked first: what is missing is to be said before anything is started.
  for (const tool of [debianTools.postgres, debianTools.patroni, debianTools.etcd, debianTools.haproxy]) pathOf(tool);
  const workshop = await Workshop.open();
  const cluster = new LoopbackCluster(workshop, await findFreePorts(3 + 2 * memberNames.length));
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    const logs = await Promise.all(["etcd", "haproxy", ...memberNames].map((name) => workshop.logOf(name)));
    await cluster.stop();
    throw new Error(`The cluster did not start:\n${logs.join("\n---\n")}`, { cause: error });
  }
}

class LoopbackCluster implements FailoverCluster {
  readonly url: string;
  readonly members = memberNames;
  readonly #workshop: Workshop;
  readonly #members: readonly Member[];
  readonly #ports: { readonly etcdClient: number; readonly etcdPeer: number; readonly proxy: number };
  /** Never in a process's arguments, only in files and environments. */
  readonly #passwords = { superuser: secret(), replication: secret(), rewind: secret(), gateway: secret() };

  constructor(workshop: Workshop, ports: readonly number[]) {
    const [etcdClient = 0, etcdPeer = 0, proxy = 0, ...others] = ports;
    this.#workshop = workshop;
    this.#ports = { etcdClient, etcdPeer, proxy };
    this.#members = memberNames.map((name, index) => ({
      name,
      folder: join(workshop.folder, name),
      postgresPort: others[2 * index] ?? 0,
      restPort: others[2 * index + 1] ?? 0,
      patroni: null,
    }));
    this.url = this.#urlAt(proxy);
  }

  async start(): Promise<void> {
    await this.#startEtcd();
    const [first, ...others] = this.#members;
    if (first === undefined) throw new Error("A cluster without members");
    await this.#startMember(first);
    await eventually("the first primary", async () => (await this.#answersOf(first, "/primary")) === 200, bootstrapMs);
    for (const member of others) await this.#startMember(member);
    await this.#createDatabase(first);
    await this.#startProxy();
    await this.waitUntilReady(bootstrapMs);
  }

  memberUrl(name: string): string {
    return this.#urlAt(this.#find(name).postgresPort);
  }

  async primary(): Promise<string> {
    return (await this.#findPrimary()).name;
  }

  async killPrimary(): Promise<string> {
    const member = await this.#findPrimary();
    const pidFile = join(member.folder, "data/postmaster.pid");
    const postmaster = Number((await readFile(pidFile, "utf8")).split("\n")[0]);
    // Patroni first: it would start PostgreSQL again at once.
    await member.patroni?.kill();
    killIfThere(postmaster);
    member.patroni = null;
    return member.name;
  }

  async revive(name: string): Promise<void> {
    await this.#startMember(this.#find(name));
  }

  async waitUntilReady(withinMs = bootstrapMs): Promise<void> {
    await eventually("a primary that a synchronous standby follows", () => this.#isReady(), withinMs);
  }

  async stop(): Promise<void> {
    for (const member of this.#members) {
      await member.patroni?.kill();
      const pidFile = join(member.folder, "data/postmaster.pid");
      if (!existsSync(pidFile)) continue;
      killIfThere(Number((await readFile(pidFile, "utf8")).split("\n")[0]));
    }
    await this.#workshop.close();
  }

  async #startEtcd(): Promise<void> {
    const { etcdClient, etcdPeer } = this.#ports;
    const config = await this.#fill("etcd.yml", {
      ETCD_NAME: "etcd",
      ETCD_DIR: join(this.#workshop.folder, "etcd"),
      ETCD_HOST: host,
      ETCD_CLIENT_PORT: etcdClient,
      ETCD_PEER_PORT: etcdPeer,
      ETCD_CLUSTER: `etcd=http://${host}:${etcdPeer}`,
    });
    await this.#workshop.start("etcd", pathOf(debianTools.etcd), [`--config-file=${config}`]);
    await eventually(
      "etcd's health",
      async () => (await statusOf(`http://${host}:${etcdClient}/health`)) === 200,
      15_000,
    );
  }

  async #startMember(member: Member): Promise<void> {
    await mkdir(member.folder, { recursive: true, mode: 0o700 });
    const user = serviceUser();
    if (user !== null) await chown(member.folder, user.uid, user.gid);
    const config = await this.#fill(
      "patroni.yml",
      {
        ...timings,
        MEMBER_NAME: member.name,
        MEMBER_HOST: host,
        MEMBER_DIR: member.folder,
        POSTGRES_PORT: member.postgresPort,
        REST_PORT: member.restPort,
        POSTGRES_BIN_DIR: pathOf(debianTools.postgres),
        ETCD_HOSTS: `${host}:${this.#ports.etcdClient}`,
        CLIENT_NETWORK: `${host}/32`,
        SUPERUSER_PASSWORD: this.#passwords.superuser,
        REPLICATION_PASSWORD: this.#passwords.replication,
        REWIND_PASSWORD: this.#passwords.rewind,
      },
      member.name,
    );
    member.patroni = await this.#workshop.start(member.name, pathOf(debianTools.patroni), [config]);
  }

  async #startProxy(): Promise<void> {
    const servers = this.#members.flatMap(({ name, postgresPort, restPort }) => {
      const prefix = name.toUpperCase();
      return [
        [`${prefix}_HOST`, host],
        [`${prefix}_POSTGRES_PORT`, postgresPort],
        [`${prefix}_REST_PORT`, restPort],
      ];
    });
    const values = { PROXY_HOST: host, PROXY_PORT: this.#ports.proxy, ...Object.fromEntries(servers) };
    const config = await this.#fill("haproxy.cfg", values);
    await this.#workshop.start("haproxy", pathOf(debianTools.haproxy), ["-db", "-f", config]);
  }

  async #createDatabase(member: Member): Promise<void> {
    const url = new URL(this.#urlAt(member.postgresPort));
    Object.assign(url, { username: "postgres", password: this.#passwords.superuser, pathname: "/postgres" });
    const client = new Client({ connectionString: url.href });
    await client.connect();
    try {
      await client.query(`CREATE ROLE gateway LOGIN PASSWORD '${this.#passwords.gateway}'`);
      await client.query(`CREATE DATABASE ${database} OWNER gateway`);
    } finally {
      await client.end();
    }
  }

  async #isReady(): Promise<boolean> {
    const alive = this.#members.filter(({ patroni }) => patroni !== null);
    const [asked] = alive;
    if (asked === undefined) return false;
    const members = await membersSeenBy(`http://${host}:${asked.restPort}`);
    const followers = members.filter(({ name }) => alive.some((member) => member.name === name));
    const roles = followers.map(({ role }) => role);
    return (
      followers.length === alive.length &&
      followers.every(({ state }) => state === "running" || state === "streaming") &&
      roles.includes("leader") &&
      roles.includes("sync_standby") &&
      (await this.#isReachable())
    );
  }

  async #isReachable(): Promise<boolean> {
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: 1_000, query_timeout: 1_000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
      return rows[0]?.standby === false;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async #findPrimary(): Promise<Member> {
    for (const member of this.#members)
      if (member.patroni !== null && (await this.#answersOf(member, "/primary")) === 200) return member;
    throw new Error("No member is the primary now");
  }

  #answersOf(member: Member, path: string): Promise<number | null> {
    return statusOf(`http://${host}:${member.restPort}${path}`);
  }

  #find(name: string): Member {
    const member = this.#members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`No member is called ${name}`);
    return member;
  }

  #urlAt(port: number): string {
    return `postgresql://gateway:${this.#passwords.gateway}@${host}:${port}/${database}`;
  }

  /** Fills in a file of ops/failover/. @throws Error for a word that has no value */
  async #fill(name: string, values: Readonly<Record<string, string | number>>, as = name): Promise<string> {
    const template = await readFile(join(templateFolder, name), "utf8");
    const text = template
      .split("\n")
      .map((line) =>
        line.trimStart().startsWith("#") ? line : line.replace(/\$\{(\w+)\}/g, (_, word: string) => valueOf(word)),
      )
      .join("\n");
    return this.#workshop.write(as === name ? name : `${as}.yml`, text);

    function valueOf(word: string): string {
      const value = values[word];
      if (value === undefined) throw new Error(`ops/failover/${name} has a word without a value: ${word}`);
      return String(value);
    }
  }
}

function secret(): string {
  return randomBytes(18).toString("base64url");
}
