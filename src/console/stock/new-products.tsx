import { useReactiveVar } from "@apollo/client/react";
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import type { ReactNode } from "react";
import { newProductIds } from "../api/merge.ts";
import { formatCount } from "../format.ts";
import type { ListSettings } from "./list-settings.ts";

export interface NewProductsProps {
  readonly list: { readonly rows: readonly { readonly productId: string }[]; readonly reload: () => void };
  readonly settings: ListSettings;
}

/** Rows don't jump about below the reader's eyes: that there are new ones is said, and they come when asked for. */
export function NewProducts({ list, settings }: NewProductsProps): ReactNode {
  const ids = useReactiveVar(newProductIds);
  const shown = new Set(list.rows.map(({ productId }) => productId));
  const count = [...ids].filter((id) => id.startsWith(settings.prefix) && !shown.has(id)).length;
  if (count === 0) return null;
  const show = (): void => {
    newProductIds(new Set());
    list.reload();
  };
  return (
    <Alert
      severity="info"
      sx={{ py: 0 }}
      action={
        <Button color="inherit" size="small" onClick={show}>
          Show
        </Button>
      }
    >
      {count === 1 ? "1 new product" : `${formatCount(count)} new products`}
    </Alert>
  );
}
