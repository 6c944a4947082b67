/** A column of a table: its title, on which side its cells stand, and what a row has in it; an empty text for nothing. */
export interface Column<Row> {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (row: Row) => string;
}

/** A table in Markdown, columns aligned. Columns that are empty in every row are left out. */
export function toTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const shown = columns
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""))
    .map((column) => ({ ...column, width: Math.max(3, column.title.length, ...column.cells.map(lengthOf)) }));
  const toLine = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  return [
    toLine(shown.map((column) => pad(column.title, column))),
    toLine(shown.map(({ width, align }) => (align === "right" ? `${"-".repeat(width - 1)}:` : "-".repeat(width)))),
    ...rows.map((_, index) => toLine(shown.map((column) => pad(column.cells[index] ?? "", column)))),
  ].join("\n");
}

function lengthOf(text: string): number {
  return text.length;
}

function pad(text: string, { align, width }: { readonly align: "left" | "right"; readonly width: number }): string {
  return align === "right" ? text.padStart(width) : text.padEnd(width);
}
