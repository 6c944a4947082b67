import { useFragment, useReactiveVar } from "@apollo/client/react";
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import { useMemo } from "react";
import type { ReactNode } from "react";
import { newProductIds } from "../api/merge.ts";
import { formatCount } from "../format.ts";
import { StockFieldsFragmentDoc } from "../generated/operations.ts";
import type { StockFieldsFragment } from "../generated/operations.ts";
import { fits } from "./list-settings.ts";
import type { ListSettings } from "./list-settings.ts";

export interface NewProductsProps {
  readonly list: {
    readonly rows: readonly StockFieldsFragment[];
    readonly hasMore: boolean;
    readonly reload: () => void;
  };
  readonly settings: ListSettings;
}

/** Rows don't jump about below the reader's eyes: that there are new ones is said, and they come when asked for. */
export function NewProducts({ list, settings }: NewProductsProps): ReactNode {
  const stocks = useNewStocks();
  const shown = new Set(list.rows.map(({ productId }) => productId));
  const count = stocks.filter(
    (stock) => fits(stock, settings) && !shown.has(stock.productId) && isAmongRows(stock, list, settings),
  ).length;
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

/** The new products with their levels as they are now. */
function useNewStocks(): readonly StockFieldsFragment[] {
  const ids = useReactiveVar(newProductIds);
  const from = useMemo(() => [...ids].map((productId) => ({ __typename: "Stock", productId })), [ids]);
  const { data } = useFragment({ fragment: StockFieldsFragmentDoc, fragmentName: "StockFields", from });
  const stocks: readonly (object | null)[] = data;
  return stocks.filter(isWhole);
}

function isWhole(stock: object | null): stock is StockFieldsFragment {
  return stock !== null && "available" in stock;
}

/** Whether its place is among the rows that are there: what comes after the last one comes with the next page. */
function isAmongRows(
  stock: StockFieldsFragment,
  { rows, hasMore }: NewProductsProps["list"],
  { order }: ListSettings,
): boolean {
  const last = rows.at(-1);
  if (!hasMore || last === undefined) return true;
  if (order === "PRODUCT_ID") return stock.productId < last.productId;
  return order === "AVAILABLE" ? stock.available <= last.available : true;
}
