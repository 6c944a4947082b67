import { actionRules } from "../api/actions.ts";
import { checkNote, checkProductId, checkQuantity, checkReference } from "../api/input-rules.ts";
import { parseCsv } from "../csv/csv.ts";
import { StockAction, StockReason } from "../generated/operations.ts";

/** One line of a file, checked. */
export interface BulkLine {
  /** As an editor counts, from 1: the names of the columns are the first. */
  readonly number: number;
  /** As it stands in the file. */
  readonly text: Readonly<Record<ColumnName, string>>;
  /** What is wrong with it; null where nothing is. */
  readonly problem: string | null;
  /** What is sent; null where something is wrong. */
  readonly input: BulkInput | null;
}

export interface BulkInput {
  readonly productId: string;
  readonly action: StockAction;
  readonly quantity: number;
  readonly reason: StockReason | null;
  readonly reference: string | null;
  readonly note: string | null;
}

export type ColumnName = "productId" | "action" | "quantity" | "reason" | "reference" | "note";

/** What a file has to look like, for those who have none yet. */
export const exampleRows = [
  ["product_id", "action", "quantity", "reason", "reference", "note"],
  ["shirt-m", "INCREMENT", 40, "RECEIVED", "delivery-4711", ""],
  ["shirt-l", "DECREMENT", 2, "DAMAGED", "", "Found wet"],
] as const;

const linesMax = 100_000;

/** The names that a column may have, without case, spaces and the like. */
const columnNames: Readonly<Record<string, ColumnName>> = {
  productid: "productId",
  product: "productId",
  sku: "productId",
  action: "action",
  quantity: "quantity",
  qty: "quantity",
  reason: "reason",
  reference: "reference",
  ref: "reference",
  note: "note",
  comment: "note",
};

/** Reads a file and checks each line as the gateway would. @returns the problem's text where nothing can be read */
export function parseLines(text: string): readonly BulkLine[] | string {
  if (text.includes("\ufffd")) return "The file is not UTF-8. Save it as “CSV UTF-8”.";
  const records = parseCsv(text.replace(/^\ufeff/, ""));
  if (typeof records === "string") return records;
  const [header, ...rest] = records;
  const columns = header?.map((name) => columnNames[name.toLowerCase().replaceAll(/[^a-z]/g, "")] ?? null) ?? [];
  const missing = (["productId", "action", "quantity"] as const).filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    const names = missing.map((name) => (name === "productId" ? "product_id" : name)).join(", ");
    return `The first line has to name the columns. Missing: ${names}.`;
  }
  if (rest.length > linesMax) return "The file has more than 100 000 lines: cut it into several.";
  const lines = rest.map((record, index) => parseLine(record, columns, index + 2));
  const filled = lines.filter(({ text: fields }) => Object.values(fields).some((field) => field !== ""));
  return filled.length === 0 ? "The file has no lines below the names of its columns." : filled;
}

function parseLine(record: readonly string[], columns: readonly (ColumnName | null)[], number: number): BulkLine {
  const field = (name: ColumnName): string => record[columns.indexOf(name)]?.trim() ?? "";
  const text = {
    productId: field("productId"),
    action: field("action"),
    quantity: field("quantity"),
    reason: field("reason"),
    reference: field("reference"),
    note: field("note"),
  };
  const action = actionOf(text.action);
  const reason = Object.values(StockReason).find((value) => value === text.reason.toUpperCase()) ?? null;
  const problem =
    checkProductId(text.productId) ??
    (action === null ? `“${text.action}” is no action` : checkQuantity(text.quantity, action)) ??
    (reason === null && text.reason !== "" ? `“${text.reason}” is no reason` : null) ??
    checkReference(text.reference) ??
    checkNote(text.note);
  if (problem !== null || action === null) return { number, text, problem, input: null };
  const { productId, quantity, reference, note } = text;
  const input = {
    productId,
    action,
    quantity: Number(quantity),
    reason,
    reference: reference || null,
    note: note || null,
  };
  return { number, text, problem: null, input };
}

/** By its name in the API, or as the console calls it. */
function actionOf(text: string): StockAction | null {
  const given = text.toLowerCase().replaceAll(/[\s_-]/g, "");
  const isIt = (action: StockAction): boolean =>
    action.toLowerCase() === given || actionRules[action].label.toLowerCase().replaceAll(" ", "") === given;
  return Object.values(StockAction).find(isIt) ?? null;
}
