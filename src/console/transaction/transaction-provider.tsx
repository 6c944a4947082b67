import { createContext, useCallback, useContext, useState } from "react";
import type { ReactNode } from "react";
import type { Fields } from "./fields.ts";
import { TransactionDialog } from "./transaction-dialog.tsx";
import { useTransaction } from "./use-transaction.ts";

/** Opens the form, with these fields filled in, or as it was left where something is still open in it. */
type OpenTransaction = (fields?: Partial<Fields>) => void;

const TransactionContext = createContext<OpenTransaction>(() => undefined);

/** Opens the form for a stock transaction from anywhere below the provider. */
export function useOpenTransaction(): OpenTransaction {
  return useContext(TransactionContext);
}

/** Has the one form for stock transactions: it outlives the pages that open it. */
export function TransactionProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const handle = useTransaction();
  // What was being sent when the page was left has to be looked after first.
  const [isOpen, setOpen] = useState(() => ["unknown", "lost"].includes(handle.progress.kind));
  const { reset, progress, fields } = handle;
  const isUnsettled = progress.kind === "sending" || progress.kind === "unknown";
  const shownProductId = fields.productId;
  const open = useCallback<OpenTransaction>(
    (next = {}) => {
      const isOther = next.productId !== undefined && next.productId !== shownProductId;
      if (!isUnsettled && (isOther || progress.kind === "done")) reset(next);
      setOpen(true);
    },
    [isUnsettled, progress.kind, reset, shownProductId],
  );
  const close = useCallback(() => setOpen(false), []);
  return (
    <TransactionContext value={open}>
      {children}
      <TransactionDialog handle={handle} isOpen={isOpen} onClose={close} />
    </TransactionContext>
  );
}
