import type { ApolloClient } from "@apollo/client";
import { useApolloClient } from "@apollo/client/react";
import { useCallback, useRef, useState } from "react";
import { v4 as createKey } from "uuid";
import { describeFailure } from "../api/failures.ts";
import { mergeStockTransactions } from "../api/merge.ts";
import { sendWithPatience } from "../api/patience.ts";
import type { Retry } from "../api/patience.ts";
import { CreateStockTransactionDocument } from "../generated/operations.ts";
import type { StockTransactionFieldsFragment } from "../generated/operations.ts";
import { useSessionState } from "../session/session-context.ts";
import { readDraft, writeDraft } from "./draft.ts";
import type { PendingIntent } from "./draft.ts";
import { emptyFields, toVariables } from "./fields.ts";
import type { Fields } from "./fields.ts";

/** Where one intent stands, from the first key pressed to the answer. */
export type Progress =
  | { readonly kind: "editing" }
  | { readonly kind: "sending"; readonly retry: Retry | null }
  /** Nobody knows yet: it may have been done. Only the same key may be sent. */
  | { readonly kind: "unknown"; readonly message: string }
  /** Nobody will know: it was sent by another client, whose key this one can't use. */
  | { readonly kind: "lost"; readonly clientId: string }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "done"; readonly attempts: number; readonly stockTransaction: StockTransactionFieldsFragment };

export interface TransactionHandle {
  readonly fields: Fields;
  readonly progress: Progress;
  readonly change: (change: Partial<Fields>) => void;
  /** Sends; while that is under way, further calls do nothing. What has no answer yet is sent again with its own key. */
  readonly send: () => Promise<void>;
  /** Begins a new intent. */
  readonly reset: (fields?: Partial<Fields>) => void;
}

const interrupted = "It was being sent when the page was left, so it may have been done.";

/**
 * One stock transaction in the making. An intent has one idempotency key, made when it is first sent and kept until there is
 * an answer: over double clicks, lost connections, sign-ins and reloads. A refusal spends the key; what is sent after it is
 * a new intent.
 */
export function useTransaction(): TransactionHandle {
  const client = useApolloClient();
  const session = useSessionState();
  const clientId = session.kind === "out" ? "" : session.clientId;
  const [draft] = useState(readDraft);
  const [fields, setFields] = useState<Fields>(draft?.fields ?? emptyFields);
  const [progress, setProgress] = useState<Progress>(() => progressOf(draft?.pending ?? null, clientId));
  const key = useRef(draft?.pending?.clientId === clientId ? draft.pending.key : null);
  const isSending = useRef(false);

  const change = useCallback(
    (next: Partial<Fields>) => {
      setFields({ ...fields, ...next });
      setProgress({ kind: "editing" });
      writeDraft({ fields: { ...fields, ...next }, pending: null });
    },
    [fields],
  );

  const reset = useCallback((next: Partial<Fields> = {}) => {
    key.current = null;
    setFields({ ...emptyFields, ...next });
    setProgress({ kind: "editing" });
    writeDraft(null);
  }, []);

  const send = useCallback(async () => {
    if (isSending.current) return;
    isSending.current = true;
    key.current ??= createKey();
    writeDraft({ fields, pending: { key: key.current, clientId } });
    setProgress({ kind: "sending", retry: null });
    const onRetry = (retry: Retry): void => setProgress({ kind: "sending", retry });
    const outcome = await settle(client, { fields, key: key.current, onRetry });
    isSending.current = false;
    if (outcome.kind !== "unknown") {
      key.current = null;
      writeDraft(outcome.kind === "done" ? null : { fields, pending: null });
    }
    setProgress(outcome);
  }, [client, clientId, fields]);

  return { fields, progress, change, send, reset };
}

/** Where an intent stands that was left in the middle. */
function progressOf(pending: PendingIntent | null, clientId: string): Progress {
  if (pending === null) return { kind: "editing" };
  if (pending.clientId !== clientId) return { kind: "lost", clientId: pending.clientId };
  return { kind: "unknown", message: interrupted };
}

interface Intent {
  readonly fields: Fields;
  readonly key: string;
  readonly onRetry: (retry: Retry) => void;
}

/** Sends until there is an answer, and says what it was. */
async function settle(client: ApolloClient, { fields, key, onRetry }: Intent): Promise<Progress> {
  const variables = toVariables(fields, key);
  let attempts = 1;
  try {
    const { data } = await sendWithPatience(
      () => client.mutate({ mutation: CreateStockTransactionDocument, variables, fetchPolicy: "no-cache" }),
      (retry) => {
        attempts = retry.attempt;
        onRetry(retry);
      },
    );
    const stockTransaction = data?.createStockTransaction;
    if (stockTransaction === undefined) return { kind: "unknown", message: "The gateway's answer was empty." };
    mergeStockTransactions(client.cache, [stockTransaction]);
    return { kind: "done", attempts, stockTransaction };
  } catch (error) {
    const { kind, message } = describeFailure(error);
    // A fault may have come after the commit.
    const isUnknown = kind === "away" || kind === "fault" || kind === "signed-out";
    return isUnknown ? { kind: "unknown", message: `${message} It may have been done.` } : { kind: "refused", message };
  }
}
