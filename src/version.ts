import { createRequire } from "node:module";

const manifest: { version: string } = createRequire(import.meta.url)("../package.json");

/** The gateway's version. */
export const { version } = manifest;
