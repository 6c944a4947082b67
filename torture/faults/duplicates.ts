import { once } from "node:events";
import { connect } from "node:net";
import { isRepeatable } from "../load/operation.ts";
import type { OperationRecord } from "../load/operation.ts";
import { answerOf } from "../load/shop-client.ts";
import { embedded } from "../world/embedded-database.ts";
import type { Behaviour } from "../world/faulty-proxy.ts";
import type { World } from "../world/world.ts";
import type { Fault, Scene } from "./fault.ts";

/** A whole request, as it went by. */
interface Copy {
  readonly bytes: Buffer;
  /** Of its first line. */
  readonly reference: string;
}

const copiesMax = 200;
/** So many at once. */
const deliveries = 8;

/**
 * The proxy keeps a copy of what goes by and, when the shelves have been filled again, sends it once more: a refusal has
 * to stay one, and an effect must not happen again.
 */
export const delayedDuplicates: Fault = {
  name: "delayed-duplicates",
  description: "requests are delivered a second time, after a restock",
  needs: embedded,
  holdMs: { short: 800, long: 5_000 },
  begin: async (scene) => {
    const { world, load } = scene;
    const copies: Copy[] = [];
    for (const { clientProxy } of world.stations) clientProxy.behave(copying(copies));
    return async () => {
      for (const { clientProxy } of world.stations) clientProxy.heal();
      await load.restock();
      const recordOf = new Map(load.records.map((record) => [record.operation.lines[0]?.reference, record]));
      const due = scene.random.shuffle(copies).slice(0, copiesMax);
      const deliverNext = async (): Promise<void> => {
        for (let copy = due.pop(); copy !== undefined; copy = due.pop()) {
          const record = recordOf.get(copy.reference);
          if (record !== undefined && isRepeatable(record.operation)) await deliver(scene, copy, record);
        }
      };
      await Promise.all(Array.from({ length: deliveries }, deliverNext));
    };
  },
};

/** Puts together what arrives in pieces, and lets it pass. */
function copying(copies: Copy[]): Behaviour {
  const pieces = new WeakMap<object, Buffer>();
  return ({ link, direction, bytes }) => {
    link.forward(direction, bytes);
    if (direction === "answer") return;
    const all = Buffer.concat([pieces.get(link) ?? Buffer.alloc(0), bytes]);
    const isWhole = bodyOf(all) !== null;
    pieces.set(link, isWhole ? Buffer.alloc(0) : all);
    const reference = /"reference":"([^"]+)"/.exec(all.toString("latin1"))?.[1];
    if (isWhole && reference !== undefined) copies.push({ bytes: all, reference });
  };
}

async function deliver({ world, random, findings }: Scene, { bytes }: Copy, record: OperationRecord): Promise<void> {
  const sentAt = performance.now();
  const { status, body, retryAfter } = await exchange(world, random.integer(0, world.stations.length - 1), bytes);
  // Without a status there was no answer.
  if (status !== 0) findings.strike();
  record.attempts.push({
    sentAt,
    endedAt: performance.now(),
    answer: answerOf(record.operation, status, body, retryAfter),
  });
}

async function exchange(
  world: World,
  index: number,
  request: Buffer,
): Promise<{ status: number; body: string; retryAfter: string | null }> {
  const socket = connect(Number(new URL(world.stations[index]?.url ?? "").port), "127.0.0.1");
  const ended = once(socket, "close");
  let received = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    received = Buffer.concat([received, bytes]);
    if (bodyOf(received) !== null) socket.destroy();
  });
  socket.write(request);
  await ended;
  const head = received.toString("latin1");
  return {
    status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1] ?? 0),
    body: bodyOf(received) ?? "",
    retryAfter: /^retry-after: *(\S+)/im.exec(head)?.[1] ?? null,
  };
}

/** Of a request or an answer with a Content-Length. @returns null while there is more to come */
function bodyOf(message: Buffer): string | null {
  const headEnd = message.indexOf("\r\n\r\n");
  if (headEnd === -1) return null;
  const length = Number(/^content-length: *(\d+)/im.exec(message.toString("latin1", 0, headEnd))?.[1] ?? 0);
  const body = message.subarray(headEnd + 4);
  return body.length >= length ? body.toString("utf8") : null;
}
