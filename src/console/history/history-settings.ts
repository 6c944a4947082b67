import type { StockAction, StockReason, StockTransactionFilter } from "../generated/operations.ts";

/** Which stock transactions are shown. */
export interface HistorySettings {
  readonly actions: readonly StockAction[];
  readonly reasons: readonly StockReason[];
  readonly reference: string;
  readonly actor: string;
  /** Days as a date field has them, in this browser's time zone, both included; empty for no bound. */
  readonly from: string;
  readonly to: string;
}

export const allHistory: HistorySettings = { actions: [], reasons: [], reference: "", actor: "", from: "", to: "" };

/** What the gateway is asked for. */
export function toHistoryFilter(settings: HistorySettings): StockTransactionFilter {
  const { actions, reasons, reference, actor, from, to } = settings;
  return {
    ...(actions.length === 0 ? {} : { actions: [...actions] }),
    ...(reasons.length === 0 ? {} : { reasons: [...reasons] }),
    ...(reference.trim() === "" ? {} : { reference: reference.trim() }),
    ...(actor.trim() === "" ? {} : { actors: [actor.trim()] }),
    ...(isDay(from) ? { createdSince: startOf(from, 0) } : {}),
    ...(isDay(to) ? { createdBefore: startOf(to, 1) } : {}),
  };
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

function startOf(day: string, daysLater: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + daysLater).toISOString();
}
