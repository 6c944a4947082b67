import { isIP } from "node:net";
import { resolve } from "node:path";
import { ownIssuer } from "./access/own-issuer.ts";
import type { Environment } from "./environment.ts";
import { SettingReader } from "./setting-reader.ts";
import type { ReaderOptions, Setting } from "./setting-reader.ts";

/** A setting is wrong or can't be used. The message names it and says what to do. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** An issuer of access tokens other than this gateway. */
export interface OutsideIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: URL;
}

/** The gateway's settings, checked. */
export interface Config {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Null: the embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  /** A standby of it that answers reads; null where there is none. */
  readonly databaseReplicaUrl: string | null;
  /** Absolute. */
  readonly dataDir: string;
  readonly adminClient: {
    readonly id: string;
    readonly secret: string;
    /** Where the secret was read from; null where it was given itself. Absolute. */
    readonly secretFile: string | null;
  } | null;
  readonly introspection: "public" | "token" | "off";
  /** Whether it is a subgraph of a supergraph. */
  readonly federation: boolean;
  readonly outsideIssuer: OutsideIssuer | null;
  /** Origins besides Apollo Studio's and Sandbox's. */
  readonly corsOrigins: readonly string[];
  /** Addresses and networks (CIDR). */
  readonly trustedProxies: readonly string[];
  /** A second; 0 is no limit. */
  readonly rateLimits: { readonly perClient: number; readonly perAddress: number };
  readonly requestTimeoutMs: number;
  /** Null where nobody asks for them. Port 0 takes any free one. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | null;
  /** Null where nobody asks for them. */
  readonly traces: {
    /** Takes OTLP over HTTP: the whole address. */
    readonly endpoint: URL;
    readonly headers: Readonly<Record<string, string>>;
    readonly serviceName: string;
    /** 0 to 1. */
    readonly sampleRatio: number;
  } | null;
  readonly logLevel: (typeof logLevels)[number];
  readonly workers: number | "cores";
  readonly lanes: number;
  readonly databasePoolSize: number;
  readonly watchersMax: number;
  readonly watchersPerClientMax: number;
  /** How long an idempotency key is kept at least. */
  readonly keyRetentionHours: number;
  readonly drainTimeoutMs: number;
  readonly allowsUnsafeDatabase: boolean;
}

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
const rateMax = 1_000_000;
const watchersBound = 100_000;
const databaseProtocols = ["postgres:", "postgresql:"];
const introspectionModes = ["public", "token", "off"] as const;

/** Every setting: its name in the environment, what holds when it is not set, and what it does. */
export const settings = {
  HOST: { default: "127.0.0.1", description: "Address to listen on." },
  PORT: { default: "4000", description: "Port to listen on; 0 takes any free one." },
  DATABASE_URL: {
    default: "",
    description: "PostgreSQL to use, 15 or later; without it an embedded one starts.",
    secret: true,
  },
  DATABASE_REPLICA_URL: {
    default: "",
    description: "A streaming standby of DATABASE_URL that answers queries; none of them is staler for it.",
    secret: true,
  },
  DATA_DIR: { default: ".data", description: "Folder of the embedded PostgreSQL and of the first client's secret." },
  ADMIN_CLIENT_ID: {
    default: "",
    description: "An API client that is made, or given its secret, at start; then none is generated.",
  },
  ADMIN_CLIENT_SECRET: {
    default: "",
    description: "The secret of ADMIN_CLIENT_ID, 16 characters or more.",
    secret: true,
  },
  INTROSPECTION: {
    default: "",
    description: "Who may read the schema: public, token or off. Public when listening on loopback only, else token.",
  },
  FEDERATION: {
    default: "false",
    description: "true makes it a subgraph for Apollo Federation, with Stock and Product as entities.",
  },
  TOKEN_ISSUER: { default: "", description: "An outside issuer whose access tokens are accepted: their `iss`." },
  TOKEN_AUDIENCE: { default: "", description: "The `aud` that the outside issuer's tokens must have." },
  TOKEN_JWKS_URL: { default: "", description: "Where the outside issuer's public keys are." },
  CORS_ORIGINS: {
    default: "",
    description: "Further origins whose pages may call, with commas between; Apollo's are always allowed.",
  },
  TRUSTED_PROXIES: {
    default: "",
    description:
      "Addresses and networks (10.0.0.0/8) of proxies in front, with commas between: their X-Forwarded-For and -Proto are believed.",
  },
  RATE_LIMIT_PER_CLIENT: {
    default: "10000",
    description:
      "What one API client may ask for a second, on average, in stock transactions and items of lists; 0 is no limit.",
  },
  RATE_LIMIT_PER_ADDRESS: {
    default: "10000",
    description: "Requests from one address a second, on average, whoever sends them; 0 is no limit.",
  },
  REQUEST_TIMEOUT_SECONDS: { default: "15", description: "How long a request may take to arrive, 1 to 600." },
  LOG_LEVEL: { default: "info", description: `What is logged: ${logLevels.join(", ")}.` },
  METRICS_PORT: {
    default: "",
    description: "Port of /metrics, for Prometheus; without it there are none, and they cost nothing.",
  },
  METRICS_HOST: {
    default: "127.0.0.1",
    description: "Address that the metrics listen on. Whoever reaches it may read them: there is no token.",
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    default: "",
    description:
      "Collector that traces go to by OTLP over HTTP, such as http://127.0.0.1:4318; without it there are none, and they cost nothing.",
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    default: "",
    description: "The same with its path, /v1/traces for most; goes before OTEL_EXPORTER_OTLP_ENDPOINT.",
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    default: "",
    description: "Headers that the collector wants, as name=value with commas between.",
    secret: true,
  },
  OTEL_SERVICE_NAME: { default: "inventory-gateway", description: "What the gateway is called in traces." },
  OTEL_TRACES_SAMPLER_ARG: {
    default: "1",
    description: "Share of requests that are traced, 0 to 1; where a caller's traceparent says whether, that holds.",
  },
  WORKERS: {
    default: "cores",
    description:
      "Processes that serve on the one port, 1 to 64; cores is one for each, as far as the database has connections.",
  },
  LANES: { default: "1", description: "Groups of stock transactions that may be in flight at once, 1 to 32." },
  DATABASE_POOL_SIZE: {
    default: "10",
    description:
      "Database connections for reading, 1 to 200, shared out among the workers; writing has one more than LANES in each.",
  },
  WATCHERS_MAX: { default: "2000", description: "Subscriptions that may be open at one time, 1 to 100 000." },
  WATCHERS_PER_CLIENT_MAX: { default: "500", description: "Of those, how many one API client may have, 1 to 100 000." },
  KEY_RETENTION_HOURS: {
    default: "720",
    description: "How long an idempotency key is kept at least, 24 to 87600; later it counts as new.",
  },
  DRAIN_TIMEOUT_SECONDS: {
    default: "20",
    description: "How long a stop may take to answer what was accepted, 1 to 600.",
  },
  UNSAFE_DATABASE: {
    default: "refuse",
    description:
      "allow serves from a PostgreSQL that can lose what it acknowledged (fsync, full_page_writes or synchronous_commit off) or has lost constraints.",
  },
} as const satisfies Record<string, Setting>;

type Reader = SettingReader<keyof typeof settings>;

/**
 * Reads the settings, and the files that hold secrets. Empty counts as not set.
 * @param options `namesChecked` for a worker: its primary has looked at the names, and withholds secrets that they are near
 * @throws ConfigError that names every setting at fault
 */
export function readConfig(env: Environment, options: ReaderOptions = { namesChecked: false }): Config {
  const reader = new SettingReader(settings, env, options);
  const host = reader.host("HOST");
  const config: Config = {
    host,
    port: reader.integer("PORT", 0, 65_535),
    databaseUrl: reader.url("DATABASE_URL", databaseProtocols)?.href ?? null,
    databaseReplicaUrl: readReplicaUrl(reader),
    dataDir: resolve(reader.text("DATA_DIR")),
    adminClient: readAdminClient(reader),
    introspection: reader.given("INTROSPECTION")
      ? reader.oneOf("INTROSPECTION", introspectionModes)
      : isLoopback(host)
        ? "public"
        : "token",
    federation: reader.oneOf("FEDERATION", ["false", "true"]) === "true",
    outsideIssuer: readOutsideIssuer(reader),
    corsOrigins: reader.origins("CORS_ORIGINS"),
    trustedProxies: reader.networks("TRUSTED_PROXIES"),
    rateLimits: {
      perClient: reader.integer("RATE_LIMIT_PER_CLIENT", 0, rateMax),
      perAddress: reader.integer("RATE_LIMIT_PER_ADDRESS", 0, rateMax),
    },
    requestTimeoutMs: 1_000 * reader.integer("REQUEST_TIMEOUT_SECONDS", 1, 600),
    metricsAddress: readMetricsAddress(reader),
    traces: readTraces(reader),
    logLevel: reader.oneOf("LOG_LEVEL", logLevels),
    workers: reader.text("WORKERS") === "cores" ? "cores" : reader.integer("WORKERS", 1, 64),
    lanes: reader.integer("LANES", 1, 32),
    databasePoolSize: reader.integer("DATABASE_POOL_SIZE", 1, 200),
    watchersMax: reader.integer("WATCHERS_MAX", 1, watchersBound),
    watchersPerClientMax: reader.integer("WATCHERS_PER_CLIENT_MAX", 1, watchersBound),
    keyRetentionHours: reader.integer("KEY_RETENTION_HOURS", 24, 87_600),
    drainTimeoutMs: 1_000 * reader.integer("DRAIN_TIMEOUT_SECONDS", 1, 600),
    allowsUnsafeDatabase: reader.oneOf("UNSAFE_DATABASE", ["refuse", "allow"]) === "allow",
  };
  if (reader.faults.length > 0) throw new ConfigError(reader.faults.join("\n"));
  return config;
}

function readAdminClient(reader: Reader): Config["adminClient"] {
  if (!reader.allOrNone("ADMIN_CLIENT_ID", "ADMIN_CLIENT_SECRET")) return null;
  const id = reader.text("ADMIN_CLIENT_ID");
  const secret = reader.text("ADMIN_CLIENT_SECRET");
  if (!/^[\x21-\x7b\x7d\x7e]{1,255}$/.test(id))
    reader.fault("ADMIN_CLIENT_ID", "has to be 1 to 255 visible ASCII characters, none of them a |");
  if (!/^[\x21-\x7e]{16,255}$/.test(secret))
    reader.fault("ADMIN_CLIENT_SECRET", "has to be 16 to 255 visible ASCII characters");
  const file = reader.fileOf("ADMIN_CLIENT_SECRET");
  return { id, secret, secretFile: file === null ? null : resolve(file) };
}

function readReplicaUrl(reader: Reader): string | null {
  const url = reader.url("DATABASE_REPLICA_URL", databaseProtocols);
  if (url !== null && !reader.given("DATABASE_URL"))
    reader.fault("DATABASE_REPLICA_URL", "needs DATABASE_URL: the embedded PostgreSQL has no standby");
  return url?.href ?? null;
}

function readMetricsAddress(reader: Reader): Config["metricsAddress"] {
  const host = reader.host("METRICS_HOST");
  if (!reader.given("METRICS_PORT")) return null;
  const port = reader.integer("METRICS_PORT", 0, 65_535);
  if (port !== 0 && port === Number(reader.text("PORT")))
    reader.fault("METRICS_PORT", "can't be the same as PORT: metrics have a port of their own");
  return { host, port };
}

function readTraces(reader: Reader): Config["traces"] {
  const protocols = ["http:", "https:"];
  const collector = reader.url("OTEL_EXPORTER_OTLP_ENDPOINT", protocols);
  const whole = reader.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", protocols);
  const headers = reader.pairs("OTEL_EXPORTER_OTLP_HEADERS");
  const sampleRatio = reader.share("OTEL_TRACES_SAMPLER_ARG");
  const endpoint = whole ?? (collector === null ? null : new URL(`${collector.href.replace(/\/$/, "")}/v1/traces`));
  if (endpoint === null) return null;
  return { endpoint, headers, serviceName: reader.text("OTEL_SERVICE_NAME"), sampleRatio };
}

function readOutsideIssuer(reader: Reader): OutsideIssuer | null {
  if (!reader.allOrNone("TOKEN_ISSUER", "TOKEN_AUDIENCE", "TOKEN_JWKS_URL")) return null;
  const jwksUrl = reader.url("TOKEN_JWKS_URL", ["https:", "http:"]);
  if (jwksUrl === null) return null;
  if (jwksUrl.protocol === "http:" && !isLoopback(jwksUrl.hostname))
    reader.fault("TOKEN_JWKS_URL", "has to be an https: address: who can change the keys on their way can make tokens");
  if (reader.text("TOKEN_ISSUER") === ownIssuer)
    reader.fault("TOKEN_ISSUER", `can't be ${ownIssuer}: so it calls itself`);
  return { issuer: reader.text("TOKEN_ISSUER"), audience: reader.text("TOKEN_AUDIENCE"), jwksUrl };
}

/** Whether only programs on the same machine reach the address. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));
}
