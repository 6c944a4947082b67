import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import cors from "@fastify/cors";
import fastify, { LogController } from "fastify";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { principalDecorator } from "../access/principal.ts";
import type { RateLimits } from "../access/rate-limits.ts";
import type { GraphQLServices } from "../graphql/context.ts";
import { operationDecorator } from "../graphql/operation.ts";
import { graphqlPlugin } from "../graphql/plugin.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Tracing } from "../tracing/tracing.ts";
import { pathSegmentLengthMax, restPlugin } from "../rest/plugin.ts";
import type { RestOptions } from "../rest/options.ts";
import { answerExpectation, answerFailure, answerUnknownPath, answerUnreadable } from "./failures.ts";
import { findHostFault } from "./host-header.ts";
import { pages } from "./pages.ts";
import { noteEnd } from "./request-end.ts";
import type { RequestWatchers } from "./request-end.ts";
import { RequestSpans } from "./request-spans.ts";
import { isProbe, signposts } from "./signposts.ts";
import type { SignpostOptions } from "./signposts.ts";

/** How the HTTP server treats any request, whatever it asks for. */
export interface HttpOptions {
  readonly logger: FastifyBaseLogger;
  readonly rateLimits: RateLimits;
  /** Null where nobody asks for them. */
  readonly metrics: Metrics | null;
  readonly tracing: Tracing | null;
  /** Origins besides Apollo's whose pages may call. */
  readonly corsOrigins: readonly string[];
  /** Addresses and networks of proxies whose X-Forwarded headers are believed. */
  readonly trustedProxies: readonly string[];
  /** A request that has not wholly arrived by then is turned away; headers have two thirds of it. */
  readonly requestTimeoutMs: number;
}

/** What the HTTP server is made of. */
export interface ServerOptions extends HttpOptions, GraphQLServices, RestOptions, SignpostOptions {}

const bodyBytesMax = 1_048_576;
/** How often it is looked at what takes too long to arrive. */
const timeoutCheckMs = 1_000;
const keepAliveTimeoutMs = 60_000;
const idleTimeoutMs = 65_000;
/** How often connections that have become idle are closed while the server stops. */
const closingSweepMs = 100;

/** A year. */
const hstsMaxAgeSeconds = 31_536_000;

/** Where Apollo Sandbox and Studio run. */
const apolloOrigins = ["https://studio.apollographql.com", "https://sandbox.embed.apollographql.com"];

/**
 * For every answer. A page with contents of its own, Apollo Sandbox, replaces the policy. They are constants here because
 * @fastify/helmet puts together its middleware anew for each request.
 */
const securityHeaders = {
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Puts the transports together on one HTTP server, which does not listen yet. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = await createHttp(options);
  await app.register(signposts, options);
  await app.register(pages);
  await app.register(graphqlPlugin, options);
  await app.register(restPlugin, options);
  return app;
}

/** The server without any route of ours. */
export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { metrics, tracing } = options;
  const watchers = { metrics, spans: tracing === null ? null : new RequestSpans(tracing) };
  const app: FastifyInstance = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "id" }),
    requestIdHeader: false,
    genReqId: requestIdOf,
    bodyLimit: bodyBytesMax,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionTimeout: idleTimeoutMs,
    // Node's own answer to a request without a host is no JSON.
    http: {
      headersTimeout: Math.ceil((options.requestTimeoutMs * 2) / 3),
      connectionsCheckingInterval: timeoutCheckMs,
      requireHostHeader: false,
    },
    trustProxy: options.trustedProxies.length > 0 && [...options.trustedProxies],
    // What arrives while the server stops is answered like everything else, and its connection closed.
    return503OnClosing: false,
    routerOptions: { maxParamLength: pathSegmentLengthMax },
    frameworkErrors: (error, request, reply) => answerFrameworkError(error, request, reply, watchers),
    clientErrorHandler: answerUnreadable,
  });
  // Node drops those beyond a thousand or so without a word, a second Host among them; their bytes are bounded anyway.
  app.server.maxHeadersCount = 0;
  app.server.on("checkExpectation", answerExpectation);
  app.decorateRequest(principalDecorator, null);
  app.decorateRequest(operationDecorator, null);
  watchers.spans?.addHooks(app);
  // Hooks of every request are functions with a callback: each that is async costs as much as all that these do.
  app.addHook("onRequest", (request, reply, done) => {
    setCommonHeaders(request, reply);
    reply.raw.once("close", () => {
      if (!reply.raw.writableFinished) noteEnd(request, reply, watchers, "aborted");
    });
    const hostFault = findHostFault(request.raw);
    if (hostFault !== null) throw hostRefusal(reply, hostFault);
    // Whoever watches over the gateway may share its address with all of its clients.
    if (!isProbe(request.url)) options.rateLimits.admitAddress(request.ip);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    noteEnd(request, reply, watchers, "answered");
    done();
  });
  letGoOfConnectionsOnClose(app);
  app.setErrorHandler(answerFailure);
  app.setNotFoundHandler(answerUnknownPath);
  await app.register(cors, {
    origin: [...apolloOrigins, ...options.corsOrigins],
    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposedHeaders: ["Idempotent-Replayed", "X-Request-Id", "Retry-After"],
    maxAge: 7_200,
    // A plain OPTIONS is answered too: the refusal of the plugin is not JSON.
    strictPreflight: false,
  });
  return app;
}

/**
 * Node closes connections that are idle when the stop begins, and waits for all others until their clients let go: those
 * whose answer comes later are told to, and those whose answer has begun are closed after it.
 */
function letGoOfConnectionsOnClose(app: FastifyInstance): void {
  let sweep: NodeJS.Timeout | undefined;
  app.addHook("preClose", async () => {
    sweep = setInterval(() => app.server.closeIdleConnections(), closingSweepMs);
  });
  app.addHook("onSend", (_request, reply, _payload, done) => {
    if (sweep !== undefined) reply.header("connection", "close");
    done();
  });
  app.addHook("onClose", async () => clearInterval(sweep));
}

/** What Fastify turns away before it has found a route, and so before any hook. */
function answerFrameworkError(
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
  watchers: RequestWatchers,
): void {
  setCommonHeaders(request, reply);
  void answerFailure(error, request, reply);
  noteEnd(request, reply, watchers, "unrouted");
}

function hostRefusal(reply: FastifyReply, fault: string): Error {
  reply.header("connection", "close");
  return Object.assign(new Error(fault), { statusCode: 400 });
}

function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // Only a trusted proxy can say so: the gateway itself speaks no TLS.
  if (request.protocol === "https") reply.header("strict-transport-security", `max-age=${hstsMaxAgeSeconds}`);
  return reply.headers(securityHeaders).header("x-request-id", request.id);
}

/** The caller's own id if it is harmless in a log and in a header, else a new one. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._:/+=@-]{1,128}$/.test(given) ? given : randomUUID();
}
