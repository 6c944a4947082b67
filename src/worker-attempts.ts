import type { Worker } from "node:cluster";
import type { Attempt, AttemptGate, EndAttempt } from "./access/attempt-limiter.ts";
import { RateLimitedError } from "./access/rate-limited-error.ts";
import type { PrimaryMessage, WorkerMessage } from "./worker-messages.ts";

/*
 * Guesses at secrets are counted in the primary, for all workers together: those under way in one are not yet known to another.
 */

/** In the primary: answers a worker that asks whether an attempt may begin. Those that it leaves behind when it ends are over. */
export function answerAttempts(worker: Worker, gate: AttemptGate): void {
  const underWay = new Map<number, EndAttempt>();
  const begin = async (id: number, attempt: Attempt): Promise<void> => {
    try {
      const end = await gate.begin(attempt);
      if (worker.isDead()) return end("neither");
      underWay.set(id, end);
      answer(worker, { kind: "attempt admitted", id });
    } catch (error) {
      if (!(error instanceof RateLimitedError)) throw error;
      const { message, retryAfterSeconds } = error;
      answer(worker, { kind: "attempt refused", id, message, retryAfterSeconds });
    }
  };
  worker.on("message", (message: WorkerMessage) => {
    if (message.kind === "attempt") void begin(message.id, message.attempt);
    if (message.kind !== "attempt over") return;
    underWay.get(message.id)?.(message.outcome);
    underWay.delete(message.id);
  });
  worker.once("exit", () => {
    for (const end of underWay.values()) end("neither");
    underWay.clear();
  });
}

function answer(worker: Worker, message: PrimaryMessage): void {
  if (worker.isConnected()) worker.send(message);
}

/** In a worker: asks the primary. */
export class AttemptsOfWorker implements AttemptGate {
  readonly #send: (message: WorkerMessage) => void;
  readonly #asked = new Map<
    number,
    { readonly admit: (end: EndAttempt) => void; readonly refuse: (error: Error) => void }
  >();
  #lastId = 0;

  constructor(worker: Worker, send: (message: WorkerMessage) => void) {
    this.#send = send;
    worker.on("message", (message: PrimaryMessage) => this.#read(message));
  }

  begin(attempt: Attempt): Promise<EndAttempt> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((admit, refuse) => {
      this.#asked.set(id, { admit, refuse });
      this.#send({ kind: "attempt", id, attempt });
    });
  }

  #read(message: PrimaryMessage): void {
    if (message.kind !== "attempt admitted" && message.kind !== "attempt refused") return;
    const { id } = message;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (message.kind === "attempt admitted")
      asked?.admit((outcome) => this.#send({ kind: "attempt over", id, outcome }));
    else asked?.refuse(new RateLimitedError(message.message, message.retryAfterSeconds));
  }
}
