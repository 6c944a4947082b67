/** How much memory the server's processes held in one stretch of time, looked at once a second. */
export interface MemoryUse {
  readonly rssMaxMb: number;
  /** Last third through first third, on average: about 1 where it does not grow. */
  readonly growth: number;
  /** How many requests were answered meanwhile. */
  readonly requests: number;
}

/** @param rssBytes at equal distances */
export function toMemoryUse(rssBytes: readonly number[], requests: number): MemoryUse {
  const third = Math.max(1, Math.floor(rssBytes.length / 3));
  return {
    rssMaxMb: Math.max(...rssBytes) / 1_000_000,
    growth: meanOf(rssBytes.slice(-third)) / meanOf(rssBytes.slice(0, third)),
    requests,
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
