import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { packageRoot } from "../package-root.ts";
import { debianTools, findMissing, pathOf } from "../packages.ts";
import type { DebianTool } from "../packages.ts";
import { sharedMemoryInFiles } from "../run-folder.ts";
import type { Database, Setting } from "../world/database.ts";
import { childrenOf, Daemon, eventually, findFreePorts, giveToService, lastLinesOf } from "../daemons.ts";
import { killIfThere, signalIfThere, writeForService } from "../daemons.ts";
import { membersSeenBy, statusOf } from "./rest.ts";

/** Short, for a test: in earnest the files' own recommendation. In seconds. */
const timings = { TTL_SECONDS: 8, LOOP_WAIT_SECONDS: 1, RETRY_TIMEOUT_SECONDS: 3 };
const memberNames = ["one", "two", "three"] as const;
const host = "127.0.0.1";
const database = "inventory";
const bootstrapMs = 60_000;

const templateFolder = join(packageRoot, "ops/failover");

/** A member as it is set up. */
interface Member {
  readonly name: string;
  readonly folder: string;
  readonly postgresPort: number;
  readonly restPort: number;
  patroni: Daemon | null;
}

/**
 * Three PostgreSQL that Patroni runs, with etcd behind and HAProxy in front, as ops/failover/ configures them, on free ports
 * of the loopback interface.
 */
export class FailoverCluster implements Database {
  /** Of the database, through HAProxy: on whichever member is the primary. */
  readonly url: string;
  readonly members: readonly string[] = memberNames;
  readonly #folder: string;
  readonly #members: readonly Member[];
  readonly #ports: { readonly etcdClient: number; readonly etcdPeer: number; readonly proxy: number };
  /** Never in a process's arguments, only in files. */
  readonly #isSynchronous: boolean;
  readonly #passwords = { superuser: secret(), replication: secret(), rewind: secret(), gateway: secret() };
  /** Etcd and HAProxy. */
  readonly #services: Daemon[] = [];

  private constructor(folder: string, ports: readonly number[], isSynchronous: boolean) {
    const [etcdClient = 0, etcdPeer = 0, proxy = 0, ...others] = ports;
    this.#folder = folder;
    this.#isSynchronous = isSynchronous;
    this.#ports = { etcdClient, etcdPeer, proxy };
    this.#members = memberNames.map((name, index) => ({
      name,
      folder: join(folder, name),
      postgresPort: others[2 * index] ?? 0,
      restPort: others[2 * index + 1] ?? 0,
      patroni: null,
    }));
    this.url = this.#urlAt(proxy);
  }

  /**
   * Starts one, and waits until it is ready.
   * @param folder empty, and its own
   * @param isSynchronous false: commits wait for no standby, against what the files say, and a failover loses some
   * @throws Error that says what did not start, and why
   */
  static async open(folder: string, isSynchronous = true): Promise<FailoverCluster> {
    await giveToService(folder);
    const cluster = new FailoverCluster(folder, await findFreePorts(3 + 2 * memberNames.length), isSynchronous);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      const logs = ["etcd", "haproxy", ...memberNames].map((name) => lastLinesOf(join(folder, `${name}.log`)));
      const said = (await Promise.all(logs)).join("\n---\n");
      await cluster.close();
      throw new Error(`The cluster did not start:\n${said}`, { cause: error });
    }
  }

  /** The member that holds the lease and takes writes. @throws Error while there is none */
  async findPrimary(): Promise<string> {
    for (const member of this.#members)
      if (member.patroni !== null && (await this.#statusOf(member, "/primary")) === 200) return member.name;
    throw new Error("No member is the primary now");
  }

  /** The member that has everything that was acknowledged, and takes over. @throws Error while there is none */
  async findSynchronousStandby(): Promise<string> {
    for (const member of this.#members)
      if (member.patroni !== null && (await this.#statusOf(member, "/synchronous")) === 200) return member.name;
    throw new Error("No member is the synchronous standby now");
  }

  /** Kills a member's PostgreSQL and Patroni, without a warning. @returns whether its PostgreSQL ran */
  async kill(name: string): Promise<boolean> {
    const member = this.#find(name);
    const postmaster = await postmasterOf(member);
    // Patroni first: it would start PostgreSQL again at once.
    await member.patroni?.kill();
    member.patroni = null;
    return postmaster !== null && killIfThere(postmaster);
  }

  /** Starts a member again that was killed; it comes back as a standby. */
  async revive(name: string): Promise<void> {
    await this.#startMember(this.#find(name));
  }

  /** Stops and continues everything of a member, as a machine that hangs. */
  async signal(name: string, signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
    const member = this.#find(name);
    const postmaster = await postmasterOf(member);
    const processes = postmaster === null ? [] : [postmaster, ...(await childrenOf(postmaster))];
    member.patroni?.signal(signal);
    for (const pid of processes) signalIfThere(pid, signal);
  }

  /** Makes the synchronous standby the primary, in order: what an administrator does before he works on a machine. */
  async switchOver(): Promise<void> {
    const [leader, candidate] = [await this.findPrimary(), await this.findSynchronousStandby()];
    const response = await fetch(`${this.#restUrlOf(this.#find(leader))}/switchover`, {
      method: "POST",
      body: JSON.stringify({ leader, candidate }),
    });
    const said = await response.text();
    if (response.status !== 200) throw new Error(`No switchover: ${response.status} ${said}`);
  }

  /** Waits until the primary can be reached, a synchronous standby follows it, and so does every other member that lives. */
  async waitUntilReady(withinMs = bootstrapMs): Promise<void> {
    await eventually("a primary that a synchronous standby follows", () => this.#isReady(), withinMs);
  }

  /** Waits until another member than this one is the primary, and can be reached. */
  async waitForAnother(name: string): Promise<void> {
    const others = this.#members.filter((member) => member.name !== name);
    const isPrimary = async (member: Member): Promise<boolean> => (await this.#statusOf(member, "/primary")) === 200;
    const hasTakenOver = async (): Promise<boolean> =>
      (await Promise.all(others.map(isPrimary))).includes(true) && (await this.#isReachable());
    await eventually("another primary", hasTakenOver, bootstrapMs);
  }

  async close(): Promise<void> {
    for (const { name } of this.#members) await this.kill(name);
    for (const service of this.#services) await service.kill();
  }

  async #start(): Promise<void> {
    await this.#startEtcd();
    const [first, ...others] = this.#members;
    if (first === undefined) throw new Error("A cluster without members");
    await this.#startMember(first);
    await eventually("the first primary", async () => (await this.#statusOf(first, "/primary")) === 200, bootstrapMs);
    for (const member of others) await this.#startMember(member);
    await this.#createDatabase(first);
    await this.#startProxy();
    if (!this.#isSynchronous) await this.#dropSynchrony(first);
    await this.waitUntilReady(bootstrapMs);
  }

  async #dropSynchrony(member: Member): Promise<void> {
    const body = JSON.stringify({ synchronous_mode: false, synchronous_mode_strict: false });
    const response = await fetch(`${this.#restUrlOf(member)}/config`, { method: "PATCH", body });
    if (response.status !== 200) throw new Error(`Patroni did not take it: ${response.status}`);
    await eventually("the first primary behind HAProxy", () => this.#isReachable(), bootstrapMs);
    await eventually("commits that wait for no standby", () => this.#waitsForNone(), bootstrapMs);
  }

  async #waitsForNone(): Promise<boolean> {
    const client = new Client({ connectionString: this.url });
    try {
      await client.connect();
      const { rows } = await client.query<{ names: string }>(
        "SELECT current_setting('synchronous_standby_names') AS names",
      );
      return rows[0]?.names === "";
    } finally {
      await client.end();
    }
  }

  #launch(name: string, tool: DebianTool, args: readonly string[]): Daemon {
    return new Daemon({ name, file: pathOf(tool), args, folder: this.#folder });
  }

  async #startEtcd(): Promise<void> {
    const { etcdClient, etcdPeer } = this.#ports;
    const text = await fill("etcd.yml", {
      ETCD_NAME: "etcd",
      ETCD_DIR: join(this.#folder, "etcd"),
      ETCD_HOST: host,
      ETCD_CLIENT_PORT: etcdClient,
      ETCD_PEER_PORT: etcdPeer,
      ETCD_CLUSTER: `etcd=http://${host}:${etcdPeer}`,
    });
    const config = await writeForService(join(this.#folder, "etcd.yml"), text);
    this.#services.push(this.#launch("etcd", debianTools.etcd, [`--config-file=${config}`]));
    await eventually(
      "etcd's health",
      async () => (await statusOf(`http://${host}:${etcdClient}/health`)) === 200,
      15_000,
    );
  }

  async #startMember(member: Member): Promise<void> {
    await mkdir(member.folder, { recursive: true, mode: 0o700 });
    await giveToService(member.folder);
    const text = await fill("patroni.yml", {
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
    });
    const config = await writeForService(join(this.#folder, `${member.name}.yml`), withSharedMemoryInFiles(text));
    member.patroni = this.#launch(member.name, debianTools.patroni, [config]);
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
    const config = await writeForService(join(this.#folder, "haproxy.cfg"), await fill("haproxy.cfg", values));
    this.#services.push(this.#launch("haproxy", debianTools.haproxy, ["-db", "-f", config]));
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
    const members = await membersSeenBy(this.#restUrlOf(asked));
    const followers = members.filter(({ name }) => alive.some((member) => member.name === name));
    const roles = followers.map(({ role }) => role);
    return (
      followers.length === alive.length &&
      followers.every(({ state }) => state === "running" || state === "streaming") &&
      roles.includes("leader") &&
      roles.includes(this.#isSynchronous ? "sync_standby" : "replica") &&
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

  #statusOf(member: Member, path: string): Promise<number | null> {
    return statusOf(`${this.#restUrlOf(member)}${path}`);
  }

  #restUrlOf({ restPort }: Member): string {
    return `http://${host}:${restPort}`;
  }

  #find(name: string): Member {
    const member = this.#members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`No member is called ${name}`);
    return member;
  }

  #urlAt(port: number): string {
    return `postgresql://gateway:${this.#passwords.gateway}@${host}:${port}/${database}`;
  }
}

/** Fills in a file of ops/failover/. @throws Error for a word that has no value */
async function fill(name: string, values: Readonly<Record<string, string | number>>): Promise<string> {
  const template = await readFile(join(templateFolder, name), "utf8");
  return template
    .split("\n")
    .map((line) =>
      line.trimStart().startsWith("#") ? line : line.replace(/\$\{(\w+)\}/g, (_, word: string) => valueOf(word)),
    )
    .join("\n");

  function valueOf(word: string): string {
    const value = values[word];
    if (value === undefined) throw new Error(`ops/failover/${name} has a word without a value: ${word}`);
    return String(value);
  }
}

/** Adds to what patroni.yml sets on each member. @throws Error where it says so at no place that is known here */
function withSharedMemoryInFiles(config: string): string {
  const place = /^( +)unix_socket_directories:.*$/m;
  const [line, indent] = place.exec(config) ?? [];
  if (line === undefined) throw new Error("ops/failover/patroni.yml does not say where sockets are");
  const parameters = Object.entries(sharedMemoryInFiles).map(([name, value]) => `${indent}${name}: ${value}`);
  return config.replace(place, [line, ...parameters].join("\n"));
}

/** The process of a member's PostgreSQL; null where none runs. */
async function postmasterOf({ folder }: Member): Promise<number | null> {
  const file = await readFile(join(folder, "data/postmaster.pid"), "utf8").catch(() => "");
  const pid = Number(file.split("\n")[0]);
  return pid > 0 ? pid : null;
}

function secret(): string {
  return randomBytes(18).toString("base64url");
}

/** A cluster that fails over by itself. */
export const failover: Setting<FailoverCluster> = {
  name: "failover",
  openDatabase: (folder) => FailoverCluster.open(folder),
  findObstacle: () => findMissing(debianTools.postgres, debianTools.patroni, debianTools.etcd, debianTools.haproxy),
};

/** The same, but commits wait for no standby. */
export const asynchronousFailover: Setting<FailoverCluster> = {
  ...failover,
  name: "asynchronous-failover",
  openDatabase: (folder) => FailoverCluster.open(folder, false),
};
