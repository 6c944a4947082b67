import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";

/** One event of a stream; a comment has no name, and its text for data. */
export interface ServerEvent {
  readonly event: string | null;
  // oxlint-disable-next-line typescript/no-explicit-any -- the shape follows from each test's document
  readonly data: any;
}

export interface EventStreamRequest {
  readonly token?: string | undefined;
  readonly method?: "GET" | "POST";
  readonly query: string;
  readonly variables?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A stream of server-sent events from /graphql that a test reads one by one. */
export class EventStream {
  readonly response: IncomingMessage;
  readonly #events: ServerEvent[] = [];
  #rest = "";
  #wake: () => void = () => undefined;

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8");
    response.on("data", (text: string) => this.#take(text));
    response.on("close", () => this.#wake());
    // That it was cut off is told by where it ends.
    response.on("error", () => undefined);
  }

  /** Asks for one; the answer may be none. */
  static async open(
    url: string,
    { token, method = "POST", query, variables = {}, headers = {} }: EventStreamRequest,
  ): Promise<EventStream> {
    const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
    const asking = request(method === "GET" ? `${url}/graphql?${search.toString()}` : `${url}/graphql`, {
      method,
      agent: false,
      headers: {
        accept: "text/event-stream",
        ...(method === "POST" ? { "content-type": "application/json" } : {}),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    asking.on("error", () => undefined);
    asking.end(method === "POST" ? JSON.stringify({ query, variables }) : undefined);
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    return new EventStream(response);
  }

  /** The next event, or comment. @throws when the stream ends before there is one */
  async receiveAny(): Promise<ServerEvent> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.response.closed) throw new Error("The stream has ended");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next event. @throws when the stream ends before there is one */
  async receive(): Promise<ServerEvent> {
    for (;;) {
      const event = await this.receiveAny();
      if (event.event !== null) return event;
    }
  }

  /** All events to the end, and whether it was a proper end. */
  async end(): Promise<{ readonly events: readonly ServerEvent[]; readonly isComplete: boolean }> {
    if (!this.response.closed) await once(this.response, "close").catch(() => undefined);
    return { events: this.#events.filter(({ event }) => event !== null), isComplete: this.response.complete };
  }

  /** Goes away. */
  destroy(): void {
    this.response.destroy();
  }

  #take(text: string): void {
    const [rest = "", ...blocks] = (this.#rest + text).split("\n\n").toReversed();
    this.#rest = rest;
    this.#events.push(...blocks.toReversed().map(parseEvent));
    this.#wake();
  }
}

function parseEvent(block: string): ServerEvent {
  if (block.startsWith(":")) return { event: null, data: block.slice(1) };
  const fields = new Map(
    block.split("\n").map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    }),
  );
  const data = fields.get("data") ?? "";
  return { event: fields.get("event") ?? "message", data: data === "" ? null : JSON.parse(data) };
}
