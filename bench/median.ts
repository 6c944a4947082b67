/** @returns the one in the middle, by a number that each has; of an even number of them the upper one, of none undefined */
export function medianBy<Value>(values: readonly Value[], numberOf: (value: Value) => number): Value | undefined {
  const sorted = values.toSorted((one, other) => numberOf(one) - numberOf(other));
  return sorted[Math.floor(sorted.length / 2)];
}
