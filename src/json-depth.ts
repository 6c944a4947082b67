/**
 * Levels of arrays and objects in JSON that clients send. What the API takes has fewer than ten, whatever a client adds in
 * `extensions` a few more; and whoever walks a value by functions that call themselves takes so much of the stack and no more.
 */
const jsonDepthMax = 100;

/** What a client is told whose JSON {@link nestsTooDeep}. */
export const jsonTooDeep = `The JSON is nested deeper than ${jsonDepthMax} levels`;

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Whether a JSON text has more levels than it may have, to be asked before it is parsed: a megabyte of brackets takes a
 * tenth of a second and more to parse. Of what is no JSON nothing is told.
 */
export function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    // Strings are leapt over, since most of a GraphQL request is one.
    if (character === quote) index = stringEnd(text, index);
    else if (character === closeBracket || character === closeBrace) depth -= 1;
    else if (character === openBracket || character === openBrace) {
      depth += 1;
      if (depth > jsonDepthMax) return true;
    }
  }
  return false;
}

/** @returns where the string that begins at `start` has its closing quote; the text's length where it has none */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === backslash) before -= 1;
    // Backslashes escape each other, and the last of an odd number the quote.
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}
