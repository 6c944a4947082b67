import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { settings } from "../../src/config.ts";
import { findFreePort, Premises } from "./support.ts";

const run = promisify(execFile);
const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const premises = new Premises();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-"));
});

afterAll(async () => {
  await premises.clear();
  await rm(folder, { recursive: true });
});

const textOf = (name: string): Promise<string> => readFile(join(packageRoot, name), "utf8");

/** What follows a word at the beginning of a line, in the stage of the Dockerfile that is run. */
function instructions(dockerfile: string, word: string): string[] {
  const [, stage = ""] = dockerfile.replaceAll("\\\n", " ").split(/^FROM .*(?<! AS build)$/m);
  return [...stage.matchAll(new RegExp(`^${word} +(.+)$`, "gm"))].map(([, rest = ""]) => rest);
}

/** Makes /app: what is installed here, pruned as in the image. */
async function buildApp(dockerfile: string, copied: readonly string[]): Promise<void> {
  const app = join(folder, "app");
  const [, prune = ""] = /&& npm (prune .*)$/m.exec(dockerfile) ?? [];
  await mkdir(app);
  for (const name of [...copied, "package-lock.json"]) await run("cp", ["-R", join(packageRoot, name), app]);
  await run("npm", prune.split(" "), { cwd: app });
  expect(await readdir(join(app, "node_modules"))).not.toContain("jest");
}

test("the image's files are enough to serve, as a user without rights, and its health check tells whether it does", async () => {
  const dockerfile = await textOf("Dockerfile");
  const copied = instructions(dockerfile, "COPY").map(
    (line) => /^--from=build \/app\/(\S+) \S+$/.exec(line)?.[1] ?? line,
  );
  expect(copied).toEqual(["package.json", "node_modules", "prisma", "dist"]);
  await buildApp(dockerfile, copied);
  expect(instructions(dockerfile, "USER")).toEqual(["node"]);
  const [program = "", ...args] = [
    ...instructions(dockerfile, "ENTRYPOINT"),
    ...instructions(dockerfile, "CMD"),
  ].flatMap((line) => JSON.parse(line) as string[]);
  const [health = ""] = instructions(dockerfile, "HEALTHCHECK");
  const [, check = ""] = /CMD (\[.*\])$/.exec(health) ?? [];
  const [checker = "", ...checkerArgs] = JSON.parse(check) as string[];
  expect([program, checker]).toEqual(["node", "node"]);
  const port = String(await findFreePort());
  const isHealthy = async (): Promise<number> => {
    const [code] = (await once(spawn(process.execPath, checkerArgs, { env: { PORT: port } }), "exit")) as [number];
    return code;
  };
  expect(await isHealthy()).toBe(1);
  const gateway = premises.spawn(process.execPath, [join(folder, "app", args[0] ?? ""), ...args.slice(1)], {
    DATABASE_URL: await premises.createDatabase(),
    UNSAFE_DATABASE: "allow",
    ADMIN_CLIENT_ID: "admin",
    ADMIN_CLIENT_SECRET: "a-secret-of-this-test",
    PORT: port,
  });
  await gateway.serving();
  expect(await isHealthy()).toBe(0);
  expect(await gateway.stop()).toBe(0);
});

test("compose gives it a read-only file system and no rights; it and the unit have time to drain, and name settings that there are", async () => {
  const [compose, unit] = [await textOf("compose.yaml"), await textOf("ops/systemd/inventory-gateway.service")];
  const [, gateway = ""] = /^ {2}gateway:\n((?: {4}.*\n|\n)+)/m.exec(compose) ?? [];
  for (const line of ["read_only: true", "cap_drop: [ALL]", 'security_opt: ["no-new-privileges:true"]'])
    expect(gateway).toContain(`\n    ${line}\n`);
  const confinement = ["DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet="];
  // Without the last two Node is killed as it starts, and fails to listen on 0.0.0.0.
  const needs = [
    "SystemCallFilter=@system-service @pkey",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
  ];
  for (const line of [...confinement, ...needs]) expect(unit).toContain(`\n${line}\n`);
  const drainSeconds = Number(settings.DRAIN_TIMEOUT_SECONDS.default);
  expect(Number(/stop_grace_period: (\d+)s/.exec(gateway)?.[1])).toBeGreaterThan(drainSeconds);
  expect(Number(/TimeoutStopSec=(\d+)/.exec(unit)?.[1])).toBeGreaterThan(drainSeconds);
  const named = [
    ...[...gateway.matchAll(/^ {6}([A-Z_]+):/gm)].map(([, name]) => name),
    ...[...unit.matchAll(/\b([A-Z]+(?:_[A-Z]+)+)=/g)].map(([, name]) => name),
  ];
  const names = Object.keys(settings).flatMap((name) => [name, `${name}_FILE`]);
  expect(named).toHaveLength(6);
  expect(named.filter((name) => !names.includes(name ?? ""))).toEqual([]);
});
