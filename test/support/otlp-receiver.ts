import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import protobuf from "protobufjs";

/** What is read here of https://github.com/open-telemetry/opentelemetry-proto, with its field numbers. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resourceSpans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes traceId = 1; bytes spanId = 2; bytes parentSpanId = 4; string name = 5; int32 kind = 6;
    repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15;
  }
  message Link { bytes traceId = 1; bytes spanId = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4; } }
`);
const requestType = root.lookupType("Request");

const kinds = ["OTHER", "INTERNAL", "SERVER", "CLIENT"] as const;

type Value = string | number | boolean;
type Attributes = Readonly<Record<string, Value>>;

/** A span as it was received; ids are hexadecimal. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a trace's first. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: (typeof kinds)[number];
  readonly attributes: Attributes;
  /** The ids of the spans that it has links to. */
  readonly links: readonly string[];
  readonly failed: boolean;
}

interface Encoded {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeSpans?: readonly { readonly spans?: readonly EncodedSpan[] }[];
  }[];
}

interface EncodedSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId?: Uint8Array;
  readonly name: string;
  readonly kind: number;
  readonly attributes?: readonly KeyValue[];
  readonly links?: readonly { readonly spanId: Uint8Array }[];
  readonly status?: { readonly code?: number };
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, Value>>;
}

/** A collector of traces: takes OTLP over HTTP in protobuf, on a free port of the loopback interface. */
export class OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[] = [];
  /** What the senders say of themselves. */
  readonly resources: Attributes[] = [];
  /** The requests, as they came. */
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];
  /** What it answers with. */
  status = 200;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async open(): Promise<OtlpReceiver> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const receiver = new OtlpReceiver(server, (server.address() as AddressInfo).port);
    server.on("request", (request, response) => void receiver.#answer(request, response));
    return receiver;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    this.requests.push({ path: request.url ?? "", headers: request.headers, body });
    if (this.status === 200) this.#take(body);
    response.writeHead(this.status, { "content-type": "application/x-protobuf" }).end();
  }

  #take(body: Buffer): void {
    const request = requestType.toObject(requestType.decode(body), { longs: Number }) as Encoded;
    for (const { resource, scopeSpans = [] } of request.resourceSpans ?? []) {
      this.resources.push(toAttributes(resource?.attributes));
      for (const { spans = [] } of scopeSpans) this.spans.push(...spans.map(toSpan));
    }
  }
}

function toSpan({
  traceId,
  spanId,
  parentSpanId,
  name,
  kind,
  attributes,
  links = [],
  status,
}: EncodedSpan): ReceivedSpan {
  return {
    traceId: hexOf(traceId),
    spanId: hexOf(spanId),
    parentSpanId: hexOf(parentSpanId ?? new Uint8Array()),
    name,
    kind: kinds[kind] ?? "OTHER",
    attributes: toAttributes(attributes),
    links: links.map((link) => hexOf(link.spanId)),
    failed: status?.code === 2,
  };
}

function toAttributes(pairs: readonly KeyValue[] = []): Attributes {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0] ?? ""]));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
