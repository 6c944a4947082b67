import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes the folder and those above it that are missing, one by one: Node's recursive mkdir never ends where the system
 * answers ENOENT although the folder above is there, as below /proc.
 * @throws the system's error
 */
export async function makeDataFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeDataFolder(dirname(path));
  try {
    await mkdir(path);
  } catch (error) {
    // Another start may have made it meanwhile.
    if (!(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null);
  return stats?.isDirectory() ?? false;
}
