import { useMemo } from "react";
import { useSearchParams } from "wouter";
import { StockOrder } from "../generated/operations.ts";
import type { StockFieldsFragment, StockFilter } from "../generated/operations.ts";

/** Which stocks are shown, and how. It stands in the address: a reload, the way back and a colleague see the same. */
export interface ListSettings {
  readonly prefix: string;
  /** Only so many available units or fewer; null shows all. */
  readonly lowAt: number | null;
  readonly onlyAllocated: boolean;
  readonly order: StockOrder;
}

/** All there is, by product id. */
export const allStock: ListSettings = {
  prefix: "",
  lowAt: null,
  onlyAllocated: false,
  order: StockOrder.ProductId,
};

/** What is low if nobody has said otherwise. */
export const lowAtDefault = 10;

export interface ListSettingsHandle {
  readonly settings: ListSettings;
  readonly change: (change: Partial<ListSettings>) => void;
}

export function useListSettings(): ListSettingsHandle {
  const [search, setSearch] = useSearchParams();
  const text = search.toString();
  const settings = useMemo(() => parse(new URLSearchParams(text)), [text]);
  return { settings, change: (change) => setSearch(print({ ...settings, ...change }), { replace: true }) };
}

/** What the gateway is asked for. */
export function toFilter({ prefix, lowAt, onlyAllocated }: ListSettings): StockFilter {
  return {
    ...(prefix === "" ? {} : { productIdPrefix: prefix }),
    ...(lowAt === null ? {} : { availableAtMost: lowAt }),
    ...(onlyAllocated ? { allocatedAtLeast: 1 } : {}),
  };
}

/** Whether the gateway would list the stock under the settings: {@link toFilter}, decided here. */
export function fits(stock: StockFieldsFragment, { prefix, lowAt, onlyAllocated }: ListSettings): boolean {
  return (
    stock.productId.startsWith(prefix) &&
    (lowAt === null || stock.available <= lowAt) &&
    (!onlyAllocated || stock.allocated >= 1)
  );
}

/** Whether anything is left out. */
export function isFiltered({ prefix, lowAt, onlyAllocated }: ListSettings): boolean {
  return prefix !== "" || lowAt !== null || onlyAllocated;
}

function parse(search: URLSearchParams): ListSettings {
  const low = search.get("low") ?? "";
  const order = search.get("order");
  return {
    prefix: search.get("q") ?? "",
    lowAt: /^\d{1,9}$/.test(low) ? Number(low) : null,
    onlyAllocated: search.get("allocated") === "yes",
    order: Object.values(StockOrder).find((value) => value === order) ?? StockOrder.ProductId,
  };
}

function print({ prefix, lowAt, onlyAllocated, order }: ListSettings): URLSearchParams {
  const search = new URLSearchParams();
  if (prefix !== "") search.set("q", prefix);
  if (lowAt !== null) search.set("low", String(lowAt));
  if (onlyAllocated) search.set("allocated", "yes");
  if (order !== StockOrder.ProductId) search.set("order", order);
  return search;
}
