import type { FastifyInstance, FastifyRequest } from "fastify";
import { answerError } from "../rest/errors.ts";
import { MethodTable } from "../rest/methods.ts";
import { landingPage, landingPolicy } from "./landing.ts";
import { graphqlPath } from "../graphql/routes.ts";

/** How long the database may take to say that it is there, in milliseconds. */
const readinessTimeoutMs = 1_000;

export interface SignpostOptions {
  /** Resolves when the database answers; rejects, or takes its time, when it does not. */
  readonly pingDatabase: () => Promise<unknown>;
}

const places = {
  name: "inventory-gateway",
  graphql: graphqlPath,
  console: "/console",
  graphiql: "/graphiql",
  sandbox: `${graphqlPath} (in a browser)`,
  rest: "/v2/inventories",
  openapi: "/openapi.json",
  token: "/oauth/access_token",
  jwks: "/.well-known/jwks.json",
  live: "/healthz",
  ready: "/readyz",
};

/** Whether a path is asked for by whoever keeps watch: a load balancer, say. */
export function isProbe(url: string): boolean {
  return url === places.live || url === places.ready;
}

/** What is where, whether the process lives, and whether it can work. Open to everybody: they tell nothing of the stock. */
export async function signposts(app: FastifyInstance, { pingDatabase }: SignpostOptions): Promise<void> {
  app.setErrorHandler(answerError);
  const methods = new MethodTable(app);
  const isReady = singleFlight(() => withinTime(pingDatabase(), readinessTimeoutMs));
  app.get("/", { schema: { hide: true } }, async (request, reply) => {
    reply.header("vary", "accept");
    if (!isForPeople(request)) return places;
    reply.header("content-security-policy", landingPolicy).header("cache-control", "no-store");
    return reply.type("text/html; charset=utf-8").send(landingPage(await isReady()));
  });
  app.get("/healthz", { schema: { hide: true } }, async (_request, reply) =>
    reply.header("cache-control", "no-store").send({ status: "live" }),
  );
  app.get("/readyz", { schema: { hide: true } }, async (_request, reply) => {
    reply.header("cache-control", "no-store");
    if (await isReady()) return { status: "ready" };
    return reply
      .code(503)
      .header("retry-after", "1")
      .send({ status: "not ready", reason: "The database does not answer" });
  });
  methods.refuseOthers();
}

/** Browsers name HTML; programs name JSON, anything, or nothing. */
function isForPeople({ headers }: FastifyRequest): boolean {
  return headers.accept?.toLowerCase().includes("text/html") ?? false;
}

/** @returns whether the work is done in time; never rejects */
async function withinTime(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const done = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** However many ask at once, the work is done once: strangers must not be able to use up the connections. */
function singleFlight<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => {
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  };
}
