import { CombinedGraphQLErrors, ServerError } from "@apollo/client/errors";
import { SignedOutError } from "../session/session.ts";
import { refusalText } from "./refusal-text.ts";
import { parseRefusal } from "./refusals.ts";

/** What went wrong, as far as it matters for what to do next. */
export interface Failure {
  readonly kind: /** No answer, or none now: the same request may be sent again with its key. */
    | "away"
    /** A rule of the inventory said no: nothing was changed. */
    | "refused"
    /** The client may not do that. */
    | "forbidden"
    | "signed-out"
    /** Anything else. */
    | "fault";
  /** In a sentence, for people. */
  readonly message: string;
  /** How long to wait before trying again, where the gateway said so. */
  readonly retryAfterMs: number | null;
}

/** Sorts whatever a request was rejected with. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof SignedOutError) return failure("signed-out", "You have signed out.");
  if (CombinedGraphQLErrors.is(error)) return describeGraphqlErrors(error.errors[0]?.message ?? "", error);
  if (ServerError.is(error)) return describeStatus(error);
  return failure("away", "The gateway can't be reached.");
}

/** Which line of a batch was malformed, from 0: the gateway refuses the whole batch for it. Null for any other error. */
export function invalidLineOf(error: unknown): number | null {
  if (!CombinedGraphQLErrors.is(error)) return null;
  const { code, index } = error.errors[0]?.extensions ?? {};
  return code === "BAD_USER_INPUT" && typeof index === "number" ? index : null;
}

function describeGraphqlErrors(message: string, { errors }: CombinedGraphQLErrors): Failure {
  const extensions = errors[0]?.extensions ?? {};
  const refusal = parseRefusal(extensions);
  if (refusal !== null) return failure("refused", refusalText(refusal));
  switch (extensions["code"]) {
    case "SERVICE_UNAVAILABLE":
    case "RATE_LIMITED":
      return failure("away", "The gateway has no time for this just now.", extensions["retryAfterSeconds"]);
    case "BAD_USER_INPUT":
      return failure("refused", `${message}. Nothing was changed.`);
    case "FORBIDDEN":
      return failure("forbidden", `This client may not do that: it lacks the scope ${String(extensions["scope"])}.`);
    case "INTERNAL_SERVER_ERROR":
      return failure("fault", `The gateway met a fault. Its log says more under ${String(extensions["requestId"])}.`);
    default:
      return failure("fault", `${message}.`);
  }
}

function describeStatus({ statusCode, response }: ServerError): Failure {
  if (statusCode === 429 || statusCode >= 502)
    return failure("away", "The gateway has no time for this just now.", response.headers.get("retry-after"));
  return failure("fault", `The gateway answered with HTTP ${statusCode}.`);
}

function failure(kind: Failure["kind"], message: string, retryAfterSeconds?: unknown): Failure {
  const seconds = Number(retryAfterSeconds ?? Number.NaN);
  return { kind, message, retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : null };
}
