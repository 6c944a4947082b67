import Papa from "papaparse";

/** Text as spreadsheets read it: what they would take for a formula begins with an apostrophe. */
export function printCsv(rows: readonly (readonly (string | number)[])[]): string {
  return `${Papa.unparse(
    rows.map((row) => [...row]),
    { newline: "\r\n", escapeFormulae: true },
  )}\r\n`;
}

/** The records of a CSV file, with whatever separates its fields. @returns the problem's text where it is none */
export function parseCsv(text: string): readonly (readonly string[])[] | string {
  const { data, errors } = Papa.parse<string[]>(text, { delimitersToGuess: [",", ";", "\t", "|"] });
  const broken = errors.find(({ type }) => type === "Quotes");
  if (broken !== undefined) return `Line ${(broken.row ?? 0) + 1} has a quotation mark that is not closed.`;
  return data.map((record) => record.map(withoutApostrophe));
}

/** Undoes what {@link printCsv} does to a formula, so that what was exported can be brought back. */
function withoutApostrophe(field: string): string {
  return /^'[=+\-@\t\r]/.test(field) ? field.slice(1) : field;
}

/** Gives the person a file. */
export function download(name: string, parts: readonly string[]): void {
  // The mark tells spreadsheets that it is UTF-8.
  const url = URL.createObjectURL(new Blob(["\ufeff", ...parts], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
