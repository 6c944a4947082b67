import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Registry } from "prom-client";
import type { Logger } from "pino";
import type { MetricSource } from "./metric-source.ts";

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly logger: Logger;
}

const path = "/metrics";

/** Serves the metrics on a port of their own: whoever reaches it may read them, as Prometheus's programs do it. */
export class MetricsServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws Error of Node where the address can't be had */
  static async listen(source: MetricSource, { host, port, logger }: MetricsServerOptions): Promise<MetricsServer> {
    const server = createServer((request, response) => {
      answer(source, request, response).catch((error: unknown) => {
        logger.error({ err: error }, "The metrics could not be read");
        send(response, 500, "The metrics could not be read\n");
      });
    });
    server.listen({ host, port });
    await once(server, "listening");
    const address = server.address();
    const found = typeof address === "object" && address !== null ? address.port : port;
    logger.info(`Metrics at http://${host.includes(":") ? `[${host}]` : host}:${found}${path}`);
    return new MetricsServer(server);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(source: MetricSource, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [asked] = (request.url ?? "").split("?");
  if (asked !== path) return send(response, 404, `There is only ${path}\n`);
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return send(response, 405, "Use GET\n");
  }
  const text = await source.read();
  response.setHeader("cache-control", "no-store");
  send(response, 200, text, Registry.PROMETHEUS_CONTENT_TYPE);
}

function send(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff" }).end(text);
}
