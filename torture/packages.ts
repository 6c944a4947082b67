import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

/** Something of Debian's that a fault is made with. */
export interface DebianTool {
  readonly name: string;
  /** Where it lies; null where it isn't installed. */
  readonly find: () => string | null;
}

const libraryFolders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];

/** What install-packages.sh installs. */
export const debianTools = {
  /** Its folder bin: the newest there is, 15 or later. */
  postgres: { name: "PostgreSQL", find: findPostgresBin },
  patroni: { name: "Patroni", find: () => firstOf(["/usr/bin/patroni"]) },
  etcd: { name: "etcd", find: () => firstOf(["/usr/bin/etcd"]) },
  haproxy: { name: "HAProxy", find: () => firstOf(["/usr/sbin/haproxy"]) },
  compiler: { name: "a C compiler", find: () => firstOf(["/usr/bin/cc"]) },
  faketime: {
    name: "libfaketime",
    find: () => firstOf(libraryFolders.map((folder) => `${folder}/faketime/libfaketimeMT.so.1`)),
  },
} as const satisfies Record<string, DebianTool>;

/** The tool's path. @throws Error that says how to install it: a fault that can't be made has not been survived */
export function pathOf(tool: DebianTool): string {
  const path = tool.find();
  if (path === null) throw new Error(`Not run: ${findMissing(tool)}`);
  return path;
}

/** What to say where one of the tools is missing; null where all are there. */
export function findMissing(...tools: readonly DebianTool[]): string | null {
  const names = tools.filter((tool) => tool.find() === null).map(({ name }) => name);
  return names.length === 0 ? null : `${names.join(", ")} missing: run bash torture/install-packages.sh`;
}

/** Who runs servers that refuse to be root: Debian's user postgres. Null where this process isn't root, and runs them itself. */
export function serviceUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  return { uid: idOf("-u"), gid: idOf("-g") };
}

function idOf(option: "-u" | "-g"): number {
  return Number(execFileSync("id", [option, "postgres"], { encoding: "utf8" }));
}

function findPostgresBin(): string | null {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql").map(Number) : [];
  const newest = versions.filter((version) => version >= 15).toSorted((one, other) => other - one)[0];
  return newest === undefined ? null : firstOf([`/usr/lib/postgresql/${newest}/bin`]);
}

function firstOf(paths: readonly string[]): string | null {
  return paths.find((path) => existsSync(path)) ?? null;
}
