import { STATUS_CODES } from "node:http";
import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { GraphQLError, GraphQLFormattedError } from "graphql";
import { createHandler } from "graphql-sse";
import type { Handler, Response } from "graphql-sse";
import { authorizationOf } from "../access/bearer.ts";
import { principalDecorator } from "../access/principal.ts";
import { codeOf } from "./errors.ts";
import { noteRefusal, noteSubscription } from "./operation.ts";
import type { StreamSession, StreamSessions } from "./stream-sessions.ts";
import type { SubscriptionArgs, Subscriptions } from "./subscriptions.ts";

/** How long a stream that has ended may take to be read to its end, in milliseconds. */
const closeTimeoutMs = 2_000;

const eventStreamType = "text/event-stream";

/** What the hooks below are given with each request. */
interface Stream {
  readonly session: StreamSession;
  readonly response: ServerResponse;
}

/** Whether a request asks for a stream before anything else. */
export function asksForEventStream(request: FastifyRequest): boolean {
  const [first] = (request.headers.accept ?? "").split(/[,;]/);
  return first?.trim().toLowerCase() === eventStreamType;
}

/** Serves subscriptions as server-sent events by the protocol graphql-sse, a connection for each. */
export class EventStreams {
  readonly #sessions: StreamSessions;
  readonly #handler: Handler<FastifyRequest, Stream>;

  constructor(sessions: StreamSessions, subscriptions: Subscriptions) {
    this.#sessions = sessions;
    this.#handler = createHandler<FastifyRequest, Stream, SubscriptionArgs["contextValue"]>({
      // Its other mode, one connection for several subscriptions, keeps places that nobody may come back to.
      authenticate: () => null,
      onSubscribe: ({ raw, context }, params) => {
        const prepared = subscriptions.prepare(params, { session: context.session, requestId: raw.id, log: raw.log });
        if (!("document" in prepared)) {
          noteRefusal(raw, String(prepared[0]?.extensions["code"]));
          return refusalOf(prepared);
        }
        noteSubscription(raw, prepared);
        return prepared;
      },
      validate: () => [],
      subscribe: (args) => subscriptions.subscribe(args),
      // It queues whatever it is given: so it is given nothing before the last has left.
      onNext: async (_context, { context }) => drained(context.response),
    });
  }

  /**
   * Answers with a stream, or with what is wrong with the document.
   * @throws UnauthenticatedError, ForbiddenError, ServiceUnavailableError
   */
  async serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const session = await this.#sessions.open(authorizationOf(request.raw));
    request.setDecorator(principalDecorator, session.principal);
    try {
      const [body, { status, headers }] = await this.#handler({
        method: request.method,
        url: request.url,
        headers: { get: (name) => (name === "accept" ? eventStreamType : headerOf(request, name)) },
        body: toBody(request.body),
        raw: request,
        context: { session, response: reply.raw },
      });
      if (typeof body !== "object" || body === null) {
        return await reply.code(status).send(errorsOf(body, status));
      }
      reply.hijack();
      for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...headers }))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.raw.writeHead(status);
      await write(body, reply.raw, session);
    } finally {
      session.end();
    }
    return reply;
  }
}

/** Writes until there is no more, or nobody who reads. */
async function write(body: AsyncGenerator<string>, response: ServerResponse, session: StreamSession): Promise<void> {
  response.once("close", () => {
    session.end();
    void body.return(undefined);
  });
  // What is left when it ends may be read for so long.
  session.signal.addEventListener("abort", () => setTimeout(() => response.destroy(), closeTimeoutMs).unref());
  for await (const event of body) {
    if (response.destroyed) return;
    response.write(event);
    await drained(response);
  }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  if (!response.writableNeedDrain || response.destroyed) return;
  await new Promise<void>((resolve) => {
    // Both go with the first: a stream waits often in its life.
    const settle = (): void => {
      response.off("drain", settle).off("close", settle);
      resolve();
    };
    response.on("drain", settle).on("close", settle);
  });
}

function refusalOf(errors: readonly GraphQLError[]): Response {
  return [JSON.stringify({ errors }), { status: 400, statusText: "Bad Request" }];
}

/** What graphql-sse itself refuses has no code, or not even a body. */
function errorsOf(body: string | null, status: number): { readonly errors: readonly GraphQLFormattedError[] } {
  const { errors = [{ message: STATUS_CODES[status] ?? "" }] }: { readonly errors?: readonly GraphQLFormattedError[] } =
    JSON.parse(body ?? "{}");
  return { errors: errors.map((error) => ({ extensions: { code: codeOf(status), status }, ...error })) };
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** graphql-sse refuses whatever is no object. */
function toBody(body: unknown): Record<PropertyKey, unknown> | null {
  return typeof body === "object" && body !== null ? { ...body } : null;
}
