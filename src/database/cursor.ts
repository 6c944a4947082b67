import { InvalidInputError } from "../inventory/errors.ts";
import { levelMax } from "../inventory/stock.ts";

/** One part of a place in a list, by the kind of column it is compared with. */
interface KeyPart<T> {
  /** As it stands in the cursor. */
  encode(value: T): string | number;
  /** Null for anything that {@link encode} can't have made. */
  decode(value: unknown): T | null;
}

/** A product id: bounded, and without what PostgreSQL refuses to store. */
export const textPart: KeyPart<string> = {
  encode: (value) => value,
  decode: (value) => (typeof value === "string" && /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(value) ? value : null),
};

/** A level or a version. */
export const integerPart: KeyPart<number> = {
  encode: (value) => value,
  decode: (value) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= levelMax ? Number(value) : null,
};

/** An instant, to the millisecond, in the years 1 … 9999. */
export const instantPart: KeyPart<Date> = {
  encode: (value) => value.getTime(),
  decode: (value) =>
    Number.isInteger(value) && Number(value) >= -62_135_596_800_000 && Number(value) <= 253_402_300_799_999
      ? new Date(Number(value))
      : null,
};

/** A place in the ledger: more than a JSON number can hold. */
export const positionPart: KeyPart<bigint> = {
  encode: (value) => value.toString(),
  decode: (value) => {
    if (typeof value !== "string" || !/^[1-9][0-9]{0,18}$/.test(value)) return null;
    const position = BigInt(value);
    return position <= 9_223_372_036_854_775_807n ? position : null;
  },
};

/** Makes and reads the cursors of one list: base64url of JSON, the list's name first and the place in it after. */
export class CursorCodec<Key extends readonly unknown[]> {
  readonly #list: string;
  readonly #parts: { readonly [Index in keyof Key]: KeyPart<Key[Index]> };

  /** @param list names the list and its order, so that the cursor of one is no place in another */
  constructor(list: string, parts: { readonly [Index in keyof Key]: KeyPart<Key[Index]> }) {
    this.#list = list;
    this.#parts = parts;
  }

  encode(key: Key): string {
    const values = this.#parts.map((part, index) => part.encode(key[index]));
    return Buffer.from(JSON.stringify([this.#list, ...values])).toString("base64url");
  }

  /**
   * @param field the argument that the cursor came in
   * @throws InvalidInputError for anything that {@link encode} of the same list did not make
   */
  decode(cursor: string, field: "after" | "before"): Key {
    const [list, ...values] = parseJsonArray(cursor);
    const key = this.#parts.map((part, index) => part.decode(values[index]));
    if (list !== this.#list || key.includes(null)) throw invalidCursor(field);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each part has been decoded as what it is
    const decoded = key as unknown as Key;
    // One place, one cursor: what reads the same but is written otherwise was made up.
    if (this.encode(decoded) !== cursor) throw invalidCursor(field);
    return decoded;
  }
}

function invalidCursor(field: string): InvalidInputError {
  return new InvalidInputError(field, `${field} is not a cursor of this list in this order`);
}

/** @returns an empty array for anything else */
function parseJsonArray(cursor: string): unknown[] {
  if (cursor.length > cursorLengthMax) return [];
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

/** 255 characters of four bytes each, as base64, with room for the rest; escapes in JSON are longer but not needed. */
const cursorLengthMax = 2_048;
