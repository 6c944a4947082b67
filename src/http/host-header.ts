import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";

/** A name or an address, and the port if there is one, as RFC 3986 (3.2.2, 3.2.3) writes them. */
const hostPattern = /^(?:\[[\dA-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})+)(?::\d*)?$/;

/**
 * Looks at the Host header of a request: without one that can be read in one way only, it could be meant for somebody else.
 * @returns what is wrong with it; null where nothing is
 * @see RFC 9112, 3.2
 */
export function findHostFault({ headers: { host }, rawHeaders, httpVersion }: IncomingMessage): string | null {
  if (host === undefined) return httpVersion === "1.0" ? null : "The request has no Host header";
  if (isRepeated(rawHeaders)) return "The request has more than one Host header";
  return isHost(host) ? null : "The Host header can't be read";
}

/** Node keeps the first and drops the others. */
function isRepeated(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  return count > 1;
}

function isHost(host: string): boolean {
  return hostPattern.test(host) && (!host.startsWith("[") || isIPv6(host.slice(1, host.indexOf("]"))));
}
