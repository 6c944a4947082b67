import type { FastifyInstance } from "fastify";
import { RequestError } from "./errors.ts";

/** Remembers which methods each path takes, so that the others can be refused: see {@link MethodTable.refuseOthers}. */
export class MethodTable {
  readonly #app: FastifyInstance;
  readonly #methods = new Map<string, Set<string>>();

  constructor(app: FastifyInstance) {
    this.#app = app;
    app.addHook("onRoute", ({ url, method }) => {
      const methods = this.#methods.get(url) ?? new Set();
      for (const name of [method].flat()) methods.add(name);
      this.#methods.set(url, methods);
    });
  }

  /** Answers 405 to every method that a path of the table doesn't take, before a body is read. OPTIONS is left to CORS. */
  refuseOthers(): void {
    for (const [url, methods] of this.#methods) {
      const allowed = [...methods].toSorted().join(", ");
      const others = this.#app.supportedMethods.filter((method) => !methods.has(method) && method !== "OPTIONS");
      const refuse = async (): Promise<never> => {
        throw new RequestError(405, `The path takes ${allowed}`, { allow: allowed });
      };
      this.#app.route({
        url,
        method: others,
        exposeHeadRoute: false,
        schema: { hide: true },
        onRequest: refuse,
        handler: refuse,
      });
    }
  }
}
