import { isIPv6 } from "node:net";

/** No address is longer; what a proxy passes on may be anything. */
const lengthMax = 64;

/** What requests are counted by: an IPv4 address, or the /64 of an IPv6 one, for a subscriber has that many to himself. */
export function networkOf(address: string): string {
  if (!address.includes(":") || !isIPv6(address)) return address.slice(0, lengthMax);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail = ""] = address.split("::", 2);
  const left = head.split(":").filter((group) => group !== "");
  const right = tail.split(":").filter((group) => group !== "");
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  return [...left, ...zeros, ...right].slice(0, 4).join(":");
}
