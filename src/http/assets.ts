import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { RequestError } from "../rest/errors.ts";

const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ttf": "font/ttf",
};

/** A file in the encodings that the build has made of it. */
interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  readonly br: Buffer | null;
  readonly gzip: Buffer | null;
}

/**
 * Serves the files of a folder from memory, for ever: their names are hashes of their contents. No path of a
 * request ever reaches the file system.
 */
export async function assetRoutes(app: FastifyInstance, prefix: string, folder: string): Promise<void> {
  const assets = await listAssets(folder);
  app.get(
    `${prefix}:name`,
    { schema: { hide: true } },
    async (request: FastifyRequest<{ Params: { name: string } }>, reply) => {
      const asset = assets.get(request.params.name);
      if (asset === undefined) throw new RequestError(404, "There is no such file");
      return sendAsset(await asset(), request, reply);
    },
  );
}

function sendAsset(asset: Asset, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const accepted = request.headers["accept-encoding"] ?? "";
  const encoding = (["br", "gzip"] as const).find((name) => asset[name] !== null && accepts(accepted, name));
  if (encoding !== undefined) reply.header("content-encoding", encoding);
  return reply
    .header("cache-control", "public, max-age=31536000, immutable")
    .header("vary", "accept-encoding")
    .type(asset.type)
    .send(encoding === undefined ? asset.plain : asset[encoding]);
}

/** Whether an Accept-Encoding names it, and not with the weight 0. */
function accepts(header: string, encoding: string): boolean {
  return header.split(",").some((part) => {
    const [name = "", weight = ""] = part.toLowerCase().split(";");
    return name.trim() === encoding && !/^\s*q=0(\.0*)?\s*$/.test(weight);
  });
}

/** Files are read when they are first asked for: GraphiQL is large, and few ask for it. */
async function listAssets(folder: string): Promise<ReadonlyMap<string, () => Promise<Asset>>> {
  const names: readonly string[] = await readdir(folder).catch((): string[] => []);
  const assets = new Map<string, () => Promise<Asset>>();
  for (const name of names) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const read = async (suffix: ".br" | ".gz"): Promise<Buffer | null> =>
      names.includes(name + suffix) ? await readFile(join(folder, name + suffix)) : null;
    let asset: Promise<Asset> | null = null;
    assets.set(name, () => {
      asset ??= Promise.all([readFile(join(folder, name)), read(".br"), read(".gz")]).then(([plain, br, gzip]) => ({
        type,
        plain,
        br,
        gzip,
      }));
      return asset;
    });
  }
  return assets;
}
