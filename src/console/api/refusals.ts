import { StockAction, StockErrorCode } from "../generated/operations.ts";

/** Why the inventory said no, with the levels that it decided on. */
export interface Refusal {
  readonly code: StockErrorCode;
  readonly detail: string;
  readonly productId: string | null;
  readonly action: StockAction | null;
  readonly requested: number | null;
  readonly available: number | null;
  readonly allocated: number | null;
}

/** Of an error's extensions. @returns null where the error is none of the inventory's */
export function parseRefusal(extensions: Readonly<Record<string, unknown>>): Refusal | null {
  const code = valueOf(StockErrorCode, extensions["code"]);
  if (code === null) return null;
  return {
    code,
    detail: textOf(extensions["detail"]) ?? "",
    productId: textOf(extensions["productId"]),
    action: valueOf(StockAction, extensions["action"]),
    requested: numberOf(extensions["requested"]),
    available: numberOf(extensions["available"]),
    allocated: numberOf(extensions["allocated"]),
  };
}

function valueOf<Value extends string>(values: Readonly<Record<string, Value>>, given: unknown): Value | null {
  return Object.values(values).find((value) => value === given) ?? null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
