import Button from "@mui/material/Button";
import type { ReactNode } from "react";
import { PlusIcon } from "../icons.tsx";
import { useOpenTransaction } from "./transaction-provider.tsx";

/** Opens the form for a stock transaction. @param productId filled in, where it is clear which one is meant */
export function MoveStockButton({ productId }: { readonly productId?: string }): ReactNode {
  const openTransaction = useOpenTransaction();
  return (
    <Button
      variant="contained"
      startIcon={<PlusIcon />}
      onClick={() => openTransaction(productId === undefined ? {} : { productId })}
    >
      Move stock
    </Button>
  );
}
