import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

const bytesPerId = 16;
/** Asking the system for random bytes costs many times what an id does besides: one call fills these. */
const random = new Uint8Array(256 * bytesPerId);
let used = random.length;

/** @returns a UUID, version 7 (RFC 9562): milliseconds since the epoch, then chance */
export function createId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += bytesPerId;
  return v7({ random: random.subarray(used - bytesPerId, used) });
}
