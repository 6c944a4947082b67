import { open, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { InvalidInputError } from "../inventory/errors.ts";

const chunkBytes = 65_536;

/** A regular file that is read more than once. Another one that takes its name meanwhile does not matter. */
export class OpenedFile {
  readonly #handle: FileHandle;
  readonly #stamp: string;

  private constructor(handle: FileHandle, stamp: string) {
    this.#handle = handle;
    this.#stamp = stamp;
  }

  /** @throws InvalidInputError for a pipe, a folder and the like; the system's error where it can't be opened */
  static async open(path: string): Promise<OpenedFile> {
    // Looked at before it is opened: who opens a pipe waits for somebody to write to it.
    const found = await stat(path).catch(() => null);
    if (found?.isFile() === false)
      throw new InvalidInputError(
        "file",
        `${path} is no regular file, and an import reads its file twice: write the lines to one first`,
      );
    const handle = await open(path);
    try {
      return new OpenedFile(handle, await stampOf(handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** From its beginning. A stream would close the file with itself. */
  async *read(): AsyncGenerator<Buffer> {
    let position = 0;
    for (;;) {
      const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Whether it was written to since it was opened, as far as its size and its time tell. */
  async hasChanged(): Promise<boolean> {
    return (await stampOf(this.#handle)) !== this.#stamp;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function stampOf(handle: FileHandle): Promise<string> {
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return `${size} ${mtimeNs}`;
}
