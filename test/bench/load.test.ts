import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { autocannonLoad } from "../../bench/autocannon-load.ts";
import { findProgram } from "../../bench/programs.ts";
import { parseWrkOutput, wrkLoad } from "../../bench/wrk-load.ts";
import type { Workload } from "../../bench/workload.ts";

const workload: Workload = {
  linesPerRequest: 1,
  requests: [1, 2, 3].map((number) => ({ path: `/path-${number}`, body: `{"number": ${number}}` })),
  answerBeginsWith: '{"data":',
};
const hasWrk = (await findProgram("wrk", ["-v"])) !== null;
const loads = hasWrk ? [autocannonLoad, wrkLoad("wrk")] : [autocannonLoad];

interface Served {
  readonly path: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** Has one connection send requests for a second to a server that answers so. */
async function load(
  by: (typeof loads)[number],
  answer: (count: number) => { readonly status: number; readonly body: string },
) {
  const served: Served[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    served.push({ path: request.url, authorization: request.headers.authorization, body });
    const { status, body: answered } = answer(served.length);
    response.writeHead(status).end(answered);
  };
  const server = createServer((request, response) => void serve(request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const options = { url: `http://127.0.0.1:${port}`, token: "t", connections: 1, workload, seconds: 1 };
    return { stretch: await by.run(options), served };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test.each(loads)(
  "$description sends the requests in turn, with the token, and counts what was answered",
  async (by) => {
    const { stretch, served } = await load(by, () => ({ status: 200, body: '{"data":{}}' }));
    // wrk asks its script for one that it never sends.
    const first = workload.requests.findIndex(({ path }) => path === served[0]?.path);
    expect(served.slice(0, 4)).toEqual(
      [0, 1, 2, 3].map((index) => ({ ...workload.requests[(first + index) % 3], authorization: "Bearer t" })),
    );
    // One may have been in flight at the end.
    expect(served.length - stretch.answers).toBeGreaterThanOrEqual(0);
    expect(served.length - stretch.answers).toBeLessThanOrEqual(1);
    expect(stretch.p50Ms).toBeGreaterThan(0);
    expect(stretch.p99Ms).toBeGreaterThanOrEqual(stretch.p50Ms);
  },
);

const failures = [
  { answer: { status: 503, body: '{"data":{}}' }, what: "another status" },
  { answer: { status: 200, body: "{}" }, what: "another beginning" },
  { answer: { status: 200, body: '{"data":{}, "errors":[]}' }, what: "errors beside data" },
  { answer: { status: 200, body: '{"data":[{"error":{}}]}' }, what: "a refused line" },
];

test.each(loads.flatMap((by) => failures.map((failure) => ({ by, ...failure, description: by.description }))))(
  "$description fails for one answer with $what among many",
  async ({ by, answer }) => {
    const success = { status: 200, body: '{"data":{}}' };
    await expect(load(by, (count) => (count === 20 ? answer : success))).rejects.toThrow(
      answer.status === 200 ? answer.body : "503",
    );
  },
);

test("reads what wrk's script prints", () => {
  expect(parseWrkOutput("Running 10s test\nanswers 50000 micros 10000200 p50 5321 p99 11200 errors 0\n")).toEqual({
    answers: 50_000,
    seconds: 10.000_2,
    p50Ms: 5.321,
    p99Ms: 11.2,
  });
  expect(() => parseWrkOutput("answers 50000 micros 10000200 p50 5321 p99 11200 errors 2\n")).toThrow(
    "2 requests failed",
  );
  expect(() => parseWrkOutput("answers 0 micros 10000200 p50 0 p99 0 errors 0\n")).toThrow("Nothing was answered");
  expect(() => parseWrkOutput("unable to connect\n")).toThrow("wrk printed no figures");
});
