import { EventEmitter } from "node:events";
import type { ClientBase } from "pg";

/**
 * Treats a connection as lost: whatever waits for an answer on it fails with the message, nothing more is sent, and the pool
 * lends it no more. `pg` has no name for that.
 */
export function giveUpConnection(client: ClientBase, message: string): void {
  const connection: unknown = Reflect.get(client, "connection");
  if (!(connection instanceof EventEmitter)) throw new TypeError("A client of pg has no connection");
  connection.emit("error", new Error(message));
}
