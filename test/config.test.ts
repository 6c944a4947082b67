import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConfigError, readConfig, settings } from "../src/config.ts";

const defaults = {
  host: "127.0.0.1",
  port: 4000,
  databaseUrl: null,
  databaseReplicaUrl: null,
  dataDir: join(process.cwd(), ".data"),
  adminClient: null,
  introspection: "public",
  federation: false,
  outsideIssuer: null,
  corsOrigins: [],
  trustedProxies: [],
  rateLimits: { perClient: 10_000, perAddress: 10_000 },
  requestTimeoutMs: 15_000,
  metricsAddress: null,
  traces: null,
  logLevel: "info",
  workers: "cores",
  lanes: 1,
  databasePoolSize: 10,
  watchersMax: 2_000,
  watchersPerClientMax: 500,
  keyRetentionHours: 720,
  drainTimeoutMs: 20_000,
  allowsUnsafeDatabase: false,
};

const traces = { headers: {}, serviceName: "inventory-gateway", sampleRatio: 1 };
const secret = "0123456789abcdef";
const issuer = {
  TOKEN_ISSUER: "https://id.example",
  TOKEN_AUDIENCE: "stock",
  TOKEN_JWKS_URL: "https://id.example/jwks",
};

describe("readConfig", () => {
  test("needs nothing: every setting has a default", () => {
    expect(readConfig({})).toEqual(defaults);
  });

  test("takes an empty or blank value for one that is not set", () => {
    const empty = Object.fromEntries(Object.keys(settings).map((name, index) => [name, " ".repeat(index % 2)]));
    expect(readConfig(empty)).toEqual(defaults);
  });

  test.each([
    [{ HOST: "shop.example" }, { host: "shop.example", introspection: "token" }],
    [{ PORT: "0" }, { port: 0 }],
    [{ PORT: "65535" }, { port: 65_535 }],
    [{ DATABASE_URL: "postgres://u:p@h/d" }, { databaseUrl: "postgres://u:p@h/d" }],
    [{ DATABASE_URL: "postgresql://h:1/d?sslmode=require" }, { databaseUrl: "postgresql://h:1/d?sslmode=require" }],
    [{ DATA_DIR: "/var/lib/stock/" }, { dataDir: "/var/lib/stock" }],
    [{ DATA_DIR: "stock" }, { dataDir: join(process.cwd(), "stock") }],
    [{ ADMIN_CLIENT_ID: "ops", ADMIN_CLIENT_SECRET: secret }, { adminClient: { id: "ops", secret, secretFile: null } }],
    [
      { ADMIN_CLIENT_ID: "~".repeat(255), ADMIN_CLIENT_SECRET: "!".repeat(255) },
      { adminClient: { id: "~".repeat(255), secret: "!".repeat(255), secretFile: null } },
    ],
    [{ INTROSPECTION: "off" }, { introspection: "off" }],
    [{ FEDERATION: "true" }, { federation: true }],
    [{ INTROSPECTION: "token" }, { introspection: "token" }],
    [
      { HOST: "0.0.0.0", INTROSPECTION: "public" },
      { host: "0.0.0.0", introspection: "public" },
    ],
    [
      issuer,
      {
        outsideIssuer: { issuer: "https://id.example", audience: "stock", jwksUrl: new URL("https://id.example/jwks") },
      },
    ],
    [
      { ...issuer, TOKEN_JWKS_URL: "http://127.0.0.1:9/jwks" },
      {
        outsideIssuer: { issuer: "https://id.example", audience: "stock", jwksUrl: new URL("http://127.0.0.1:9/jwks") },
      },
    ],
    [
      { CORS_ORIGINS: "https://a.example, http://b.example:8080," },
      { corsOrigins: ["https://a.example", "http://b.example:8080"] },
    ],
    [
      { TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8,::1,2001:db8::/32" },
      { trustedProxies: ["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"] },
    ],
    [{ RATE_LIMIT_PER_CLIENT: "0" }, { rateLimits: { perClient: 0, perAddress: 10_000 } }],
    [{ RATE_LIMIT_PER_ADDRESS: "1000000" }, { rateLimits: { perClient: 10_000, perAddress: 1_000_000 } }],
    [{ REQUEST_TIMEOUT_SECONDS: "1" }, { requestTimeoutMs: 1_000 }],
    [{ METRICS_PORT: "0" }, { metricsAddress: { host: "127.0.0.1", port: 0 } }],
    [
      { METRICS_PORT: "65535", METRICS_HOST: "::1", WORKERS: "2" },
      { metricsAddress: { host: "::1", port: 65_535 }, workers: 2 },
    ],
    [{ METRICS_HOST: "10.0.0.1" }, { metricsAddress: null }],
    [
      { METRICS_PORT: "0", PORT: "0" },
      { metricsAddress: { host: "127.0.0.1", port: 0 }, port: 0 },
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" },
      { traces: { ...traces, endpoint: new URL("http://127.0.0.1:4318/v1/traces") } },
    ],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "https://otel.example/base/",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a%2Cb, x-tenant = 50% off,",
        OTEL_SERVICE_NAME: "stock",
        OTEL_TRACES_SAMPLER_ARG: "0.05",
      },
      {
        traces: {
          endpoint: new URL("https://otel.example/base/v1/traces"),
          headers: { authorization: "Bearer a,b", "x-tenant": "50% off" },
          serviceName: "stock",
          sampleRatio: 0.05,
        },
      },
    ],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://h/traces", OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:4318" },
      { traces: { ...traces, endpoint: new URL("http://h/traces") } },
    ],
    [{ OTEL_TRACES_SAMPLER_ARG: "0" }, { traces: null }],
    [{ LOG_LEVEL: "silent" }, { logLevel: "silent" }],
    [{ WORKERS: "64" }, { workers: 64 }],
    [{ WORKERS: "cores" }, { workers: "cores" }],
    [{ LANES: "32" }, { lanes: 32 }],
    [{ DATABASE_POOL_SIZE: "1" }, { databasePoolSize: 1 }],
    [{ DATABASE_POOL_SIZE: "200" }, { databasePoolSize: 200 }],
    [{ KEY_RETENTION_HOURS: "24" }, { keyRetentionHours: 24 }],
    [{ DRAIN_TIMEOUT_SECONDS: "1" }, { drainTimeoutMs: 1_000 }],
    [{ DRAIN_TIMEOUT_SECONDS: "600" }, { drainTimeoutMs: 600_000 }],
    [{ UNSAFE_DATABASE: "allow" }, { allowsUnsafeDatabase: true }],
    [{ WATCHERS_MAX: "1" }, { watchersMax: 1 }],
    [{ WATCHERS_PER_CLIENT_MAX: "100000" }, { watchersPerClientMax: 100_000 }],
    [{ UNSAFE_DATABASE: "refuse" }, { allowsUnsafeDatabase: false }],
  ])("reads %j", (env, expected) => {
    expect(readConfig(env)).toEqual({ ...defaults, ...expected });
  });

  test.each([
    ["127.0.0.1", "public"],
    ["127.1.2.3", "public"],
    ["localhost", "public"],
    ["::1", "public"],
    ["0.0.0.0", "token"],
    ["::", "token"],
    ["192.168.0.1", "token"],
    ["127.example", "token"],
    ["localhost.example", "token"],
  ])("lets strangers read the schema by default only when it listens on loopback: %s", (host, introspection) => {
    expect(readConfig({ HOST: host }).introspection).toBe(introspection);
  });

  test.each([
    [{ HOST: "http://127.0.0.1" }, "HOST has to be an IP address or a host name"],
    [{ HOST: "-" }, "HOST has to be an IP address or a host name"],
    ...["-1", "65536", "4e3", "4000.5", "four", "0x10"].map(
      (PORT) => [{ PORT }, "PORT has to be a whole number, 0 to 65535"] as const,
    ),
    ...["127.0.0.1:5432", "mysql://h/d", "http://h"].map(
      (url) =>
        [
          { DATABASE_URL: url },
          "DATABASE_URL has to be an address that begins with postgres:// or postgresql://",
        ] as const,
    ),
    [
      { DATABASE_REPLICA_URL: "postgres://h/d" },
      "DATABASE_REPLICA_URL needs DATABASE_URL: the embedded PostgreSQL has no standby",
    ],
    [
      { DATABASE_URL: "postgres://h/d", DATABASE_REPLICA_URL: "h:5432" },
      "DATABASE_REPLICA_URL has to be an address that begins with postgres:// or postgresql://",
    ],
    [{ ADMIN_CLIENT_ID: "ops" }, "ADMIN_CLIENT_SECRET is missing: ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET go together"],
    [
      { ADMIN_CLIENT_SECRET: secret },
      "ADMIN_CLIENT_ID is missing: ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET go together",
    ],
    ...["a b", "a|b", "é", "x".repeat(256)].map(
      (id) =>
        [
          { ADMIN_CLIENT_ID: id, ADMIN_CLIENT_SECRET: secret },
          "ADMIN_CLIENT_ID has to be 1 to 255 visible ASCII characters, none of them a |",
        ] as const,
    ),
    ...["fifteen-letters", "sixteen letters!", "x".repeat(256)].map(
      (wrong) =>
        [
          { ADMIN_CLIENT_ID: "ops", ADMIN_CLIENT_SECRET: wrong },
          "ADMIN_CLIENT_SECRET has to be 16 to 255 visible ASCII characters",
        ] as const,
    ),
    [{ FEDERATION: "yes" }, "FEDERATION has to be one of false, true"],
    [{ INTROSPECTION: "Public" }, "INTROSPECTION has to be one of public, token, off"],
    [
      { TOKEN_ISSUER: "https://id.example" },
      [
        "TOKEN_AUDIENCE is missing: TOKEN_ISSUER and TOKEN_AUDIENCE and TOKEN_JWKS_URL go together",
        "TOKEN_JWKS_URL is missing: TOKEN_ISSUER and TOKEN_AUDIENCE and TOKEN_JWKS_URL go together",
      ].join("\n"),
    ],
    [{ ...issuer, TOKEN_ISSUER: "inventory-gateway" }, "TOKEN_ISSUER can't be inventory-gateway: so it calls itself"],
    [
      { ...issuer, TOKEN_JWKS_URL: "file:///jwks" },
      "TOKEN_JWKS_URL has to be an address that begins with https:// or http://",
    ],
    [
      { ...issuer, TOKEN_JWKS_URL: "http://id.example/jwks" },
      "TOKEN_JWKS_URL has to be an https: address: who can change the keys on their way can make tokens",
    ],
    ...["*", "https://a.example/", "a.example", "https://a.example/path"].map(
      (origins) =>
        [
          { CORS_ORIGINS: origins },
          "CORS_ORIGINS has to be origins such as https://shop.example, with commas between and nothing after the host",
        ] as const,
    ),
    ...["proxy.example", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "loopback", "0"].map(
      (TRUSTED_PROXIES) =>
        [
          { TRUSTED_PROXIES },
          "TRUSTED_PROXIES has to be IP addresses or networks such as 10.0.0.0/8, with commas between",
        ] as const,
    ),
    [{ RATE_LIMIT_PER_CLIENT: "-1" }, "RATE_LIMIT_PER_CLIENT has to be a whole number, 0 to 1000000"],
    [{ RATE_LIMIT_PER_ADDRESS: "many" }, "RATE_LIMIT_PER_ADDRESS has to be a whole number, 0 to 1000000"],
    [{ REQUEST_TIMEOUT_SECONDS: "0" }, "REQUEST_TIMEOUT_SECONDS has to be a whole number, 1 to 600"],
    ...["-1", "65536", "all"].map(
      (METRICS_PORT) => [{ METRICS_PORT }, "METRICS_PORT has to be a whole number, 0 to 65535"] as const,
    ),
    ...["http://127.0.0.1", "127.0.0.1:9464"].map(
      (METRICS_HOST) => [{ METRICS_HOST }, "METRICS_HOST has to be an IP address or a host name"] as const,
    ),
    ...[{ METRICS_PORT: "4000" }, { METRICS_PORT: "09464", PORT: "9464" }].map(
      (env) => [env, "METRICS_PORT can't be the same as PORT: metrics have a port of their own"] as const,
    ),
    ...["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].map(
      (name) =>
        [{ [name]: "127.0.0.1:4318" }, `${name} has to be an address that begins with http:// or https://`] as const,
    ),
    ...["x", "x=", "=y", "x y=z", "a=b,c"].map(
      (headers) =>
        [
          { OTEL_EXPORTER_OTLP_HEADERS: headers },
          "OTEL_EXPORTER_OTLP_HEADERS has to be name=value, with commas between",
        ] as const,
    ),
    ...["1.1", "-1", "10%", "2"].map(
      (ratio) => [{ OTEL_TRACES_SAMPLER_ARG: ratio }, "OTEL_TRACES_SAMPLER_ARG has to be a number, 0 to 1"] as const,
    ),
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL has to be one of fatal, error, warn, info, debug, trace, silent"],
    ...["0", "65", "all"].map((WORKERS) => [{ WORKERS }, "WORKERS has to be a whole number, 1 to 64"] as const),
    ...["0", "33"].map((LANES) => [{ LANES }, "LANES has to be a whole number, 1 to 32"] as const),
    ...["0", "201"].map(
      (size) => [{ DATABASE_POOL_SIZE: size }, "DATABASE_POOL_SIZE has to be a whole number, 1 to 200"] as const,
    ),
    ...["0", "23", "87601"].map(
      (hours) => [{ KEY_RETENTION_HOURS: hours }, "KEY_RETENTION_HOURS has to be a whole number, 24 to 87600"] as const,
    ),
    ...["0", "601"].map(
      (time) => [{ DRAIN_TIMEOUT_SECONDS: time }, "DRAIN_TIMEOUT_SECONDS has to be a whole number, 1 to 600"] as const,
    ),
    [{ WATCHERS_MAX: "0" }, "WATCHERS_MAX has to be a whole number, 1 to 100000"],
    [{ WATCHERS_PER_CLIENT_MAX: "100001" }, "WATCHERS_PER_CLIENT_MAX has to be a whole number, 1 to 100000"],
    [{ UNSAFE_DATABASE: "yes" }, "UNSAFE_DATABASE has to be one of refuse, allow"],
  ])("refuses %j", (env, message) => {
    expect(() => readConfig(env)).toThrow(new ConfigError(message));
  });

  test("names every setting at fault at once, and repeats no value", () => {
    const env = {
      PORT: "hunter2",
      DATABASE_URL: "hunter2",
      ADMIN_CLIENT_ID: "ops",
      ADMIN_CLIENT_SECRET: "hunter2",
      LANES: "hunter2",
    };
    expect(() => readConfig(env)).toThrow(
      new ConfigError(
        [
          "PORT has to be a whole number, 0 to 65535",
          "DATABASE_URL has to be an address that begins with postgres:// or postgresql://",
          "ADMIN_CLIENT_SECRET has to be 16 to 255 visible ASCII characters",
          "LANES has to be a whole number, 1 to 32",
        ].join("\n"),
      ),
    );
  });

  describe("takes secrets from files", () => {
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "config-"));
      await writeFile(join(folder, "url"), "postgres://u:p@h/d\n");
      await writeFile(join(folder, "secret"), `${secret}\r\n`);
      await writeFile(join(folder, "empty"), "\n");
    });

    afterAll(() => rm(folder, { recursive: true }));

    test("that the settings' names with _FILE name, without the line break at their end", () => {
      const env = {
        DATABASE_URL_FILE: join(folder, "url"),
        DATABASE_REPLICA_URL_FILE: join(folder, "url"),
        ADMIN_CLIENT_ID: "ops",
        ADMIN_CLIENT_SECRET_FILE: ` ${join(folder, "secret")} `,
        ADMIN_CLIENT_SECRET: "",
      };
      expect(readConfig(env)).toEqual({
        ...defaults,
        databaseUrl: "postgres://u:p@h/d",
        databaseReplicaUrl: "postgres://u:p@h/d",
        adminClient: { id: "ops", secret, secretFile: join(folder, "secret") },
      });
    });

    test("and refuses one that is not there, is empty, holds something wrong, or stands beside the setting itself", () => {
      const refused = [
        [
          { DATABASE_URL_FILE: "/no/such/file" },
          "DATABASE_URL_FILE can't be read: ENOENT: no such file or directory, open '/no/such/file'",
        ],
        [
          { DATABASE_URL_FILE: folder },
          "DATABASE_URL_FILE can't be read: EISDIR: illegal operation on a directory, read",
        ],
        [{ DATABASE_URL_FILE: join(folder, "empty") }, "DATABASE_URL_FILE names a file that is empty"],
        [
          { DATABASE_URL_FILE: join(folder, "secret") },
          "DATABASE_URL has to be an address that begins with postgres:// or postgresql://",
        ],
        [
          { DATABASE_URL_FILE: join(folder, "url"), DATABASE_URL: "postgres://h/d" },
          "DATABASE_URL_FILE and DATABASE_URL are both set: one of them has to go",
        ],
      ] as const;
      for (const [env, message] of refused) expect(() => readConfig(env)).toThrow(new ConfigError(message));
    });
  });

  test.each([
    ["DATABASE_URI", "DATABASE_URL"],
    ["DATABSE_URL", "DATABASE_URL"],
    ["DATABASEURL", "DATABASE_URL"],
    ["database_url", "DATABASE_URL"],
    ["LOGLEVEL", "LOG_LEVEL"],
    ["Port", "PORT"],
    ["WORKER", "WORKERS"],
    ["DRAIN_TIMEOUT_SECOND", "DRAIN_TIMEOUT_SECONDS"],
    ["ADMIN_CLIENT_SECRETS_FILE", "ADMIN_CLIENT_SECRET_FILE"],
  ])("refuses %s, which is meant to be %s", (name, setting) => {
    expect(() => readConfig({ [name]: "1" })).toThrow(new ConfigError(`${name} is no setting: ${setting} is`));
  });

  test("leaves other programs' names alone", () => {
    const names = [
      "LINES",
      "HOSTNAME",
      "PORTS",
      "DATABASE_NAME",
      "TEST_DATABASE_URL",
      "DATABASE_URL_2_OLD",
      "npm_config_port",
    ];
    expect(readConfig(Object.fromEntries(names.map((name) => [name, "1"])))).toEqual(defaults);
    const both = { DATABASE_URI: "postgres://h/other", DATABASE_URL: "postgres://h/d" };
    expect(readConfig(both)).toEqual({ ...defaults, databaseUrl: "postgres://h/d" });
  });

  test("leaves names near a secret's alone where that is set, itself or by its file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "config-"));
    const file = join(folder, "url");
    await writeFile(file, "postgres://h/d");
    const expected = { ...defaults, databaseUrl: "postgres://h/d" };
    expect(readConfig({ DATABASE_URL_FILE: file, DATABASE_URI: "postgres://h/other" })).toEqual(expected);
    expect(readConfig({ DATABASE_URL: "postgres://h/d", DATABASE_URI_FILE: "/other" })).toEqual(expected);
    await rm(folder, { recursive: true });
  });

  test("does not look at names again where that was done already", () => {
    expect(readConfig({ DATABASE_URL: "", DATABASE_URI: "postgres://h/other" }, { namesChecked: true })).toEqual(
      defaults,
    );
  });
});
