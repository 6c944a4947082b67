import { once } from "node:events";
import { createHistogram } from "node:perf_hooks";
import autocannon from "autocannon";
import type { Load } from "./load.ts";
import { signsOfFailure } from "./workload.ts";
import type { BenchRequest, Workload } from "./workload.ts";

/** autocannon, in this process. */
export const autocannonLoad: Load = {
  description: "autocannon",
  async run({ url, token, connections, workload, seconds }) {
    const micros = createHistogram();
    let answers = 0;
    let failure: Error | null = null;
    const fail = (message: string): void => {
      failure ??= new Error(message);
      // The load is of no use any more, and nobody need wait for its end.
      cannon.stop();
    };
    const nextRequest = inTurn(workload);
    const options: autocannon.Options = {
      url,
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      connections,
      duration: seconds,
      setupClient: (client) => {
        client.setRequests([nextRequest()]);
        client.on("response", (status, _bytes, durationMs) => {
          if (status !== 200) fail(`A request was answered with status ${status}`);
          answers += 1;
          micros.record(Math.max(1, Math.round(durationMs * 1_000)));
          // The next request is sent right after this.
          client.setRequests([nextRequest()]);
        });
      },
      verifyBody: (body) => {
        if (typeof body === "string" && isSuccess(body, workload)) return true;
        fail(`An answer is not a success: ${String(body)}`);
        return false;
      },
    };
    const startedAt = performance.now();
    const cannon = autocannon(options, () => undefined);
    cannon.on("reqError", (error: unknown) => fail(`A request failed: ${String(error)}`));
    await once(cannon, "done");
    if (failure !== null) throw failure;
    return {
      seconds: (performance.now() - startedAt) / 1_000,
      answers,
      p50Ms: micros.percentile(50) / 1_000,
      p99Ms: micros.percentile(99) / 1_000,
    };
  },
};

function isSuccess(body: string, { answerBeginsWith }: Workload): boolean {
  return body.startsWith(answerBeginsWith) && !signsOfFailure.some((sign) => body.includes(sign));
}

function inTurn({ requests }: Workload): () => BenchRequest & { readonly method: "POST" } {
  let sent = 0;
  return () => {
    const request = requests[sent % requests.length];
    if (request === undefined) throw new Error("A workload has no requests");
    sent += 1;
    return { method: "POST", ...request };
  };
}
