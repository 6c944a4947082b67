// Adds the optional packages of other platforms that package-lock.json lacks, because the registry in use when it was
// written did not serve them: `npm ci` refuses a lock file without them, on every machine. Run after `npm install`:
//   node tools/complete-lock.mjs
// The entries have no integrity, so a machine of such a platform takes what its registry gives.
import { readFileSync, writeFileSync } from "node:fs";

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const processors = ["arm", "arm64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const { packages } = lock;

let added = 0;
for (const [path, { dev, optionalDependencies = {} }] of Object.entries({ ...packages })) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (isLocked(path, name)) continue;
    const words = name.split(/[/-]/);
    const os = systems.find((system) => words.includes(system));
    const cpu = processors.find((processor) => words.includes(processor));
    if (os === undefined || cpu === undefined) throw new Error(`${name} is missing, and its name tells no platform`);
    const libc = os === "linux" ? [words.some((word) => word.startsWith("musl")) ? "musl" : "glibc"] : undefined;
    packages[`node_modules/${name}`] = { version, cpu: [cpu], ...(dev && { dev }), libc, optional: true, os: [os] };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} added\n`);

/** Whether Node would find the package from there: in the folder's own node_modules, or in one above it. */
function isLocked(path, name) {
  const inside = path === "" ? "node_modules" : `${path}/node_modules`;
  if (`${inside}/${name}` in packages) return true;
  return path !== "" && isLocked(path.slice(0, Math.max(0, path.lastIndexOf("node_modules/") - 1)), name);
}
