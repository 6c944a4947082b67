import type { FastifyRequest } from "fastify";
import { pageSizeDefault } from "../inventory/queries.ts";
import type { PageRequest } from "../inventory/queries.ts";

/** The query of a list after validation. */
export interface PageQuery {
  readonly "page[limit]"?: number;
  readonly "page[offset]"?: number;
}

/** One page, counted in records as the vendor does. */
export interface OffsetPage extends PageRequest {
  readonly offset: number;
}

/** A list's answer, without its data. */
interface PageFrame {
  readonly links: Readonly<Record<"current" | "first" | "last", string> & Record<"prev" | "next", string | null>>;
  readonly meta: {
    readonly results: { readonly total: number; readonly all: number };
    readonly page: {
      readonly limit: number;
      readonly offset: number;
      readonly current: number;
      readonly total: number;
    };
  };
}

const digits = /^-?[0-9]+$/;

/**
 * Turns the digits of `page[limit]` and `page[offset]` into numbers, before validation. Anything else stays the text it
 * is and is refused by the schema: "0x10", "1e1" and " 5 " are no page numbers.
 */
export async function readPageNumbers(request: FastifyRequest): Promise<void> {
  const { query } = request;
  if (!isRecord(query)) return;
  for (const name of ["page[limit]", "page[offset]"]) {
    const value = query[name];
    if (typeof value === "string" && digits.test(value)) query[name] = Number(value);
  }
}

/** Some SDKs ask for a limit of 0 when they mean none. */
export function pageOf(query: PageQuery): OffsetPage {
  return { limit: query["page[limit]"] || pageSizeDefault, offset: query["page[offset]"] ?? 0, direction: "forward" };
}

/**
 * Says where a page stands in its list. A link may point past the greatest offset: whoever follows it is told so with
 * a 400, and doesn't take a cut list for a whole one.
 * @param all the number of all matches
 */
export function pageFrameOf(request: FastifyRequest, { limit, offset }: OffsetPage, all: number): PageFrame {
  const total = Math.max(1, Math.ceil(all / limit));
  const linkTo = linker(request, limit);
  return {
    links: {
      current: linkTo(offset),
      first: linkTo(0),
      prev: offset > 0 ? linkTo(Math.max(0, offset - limit)) : null,
      next: offset + limit < all ? linkTo(offset + limit) : null,
      last: linkTo((total - 1) * limit),
    },
    meta: { results: { total: all, all }, page: { limit, offset, current: Math.floor(offset / limit) + 1, total } },
  };
}

/** Links go to the host that the client itself has asked. */
function linker(request: FastifyRequest, limit: number): (offset: number) => string {
  const [path = ""] = request.url.split("?", 1);
  // Anybody may write anything there.
  const origin = hostPattern.test(request.host) ? `${request.protocol}://${request.host}` : "";
  return (offset) => `${origin}${path}?page[offset]=${offset}&page[limit]=${limit}`;
}

const hostPattern = /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
