/** What a server takes, in all its processes. */
export interface Usage {
  /** User and system time so far, of all threads, in microseconds. */
  readonly cpuMicros: number;
  /** Memory that is held now. */
  readonly rssBytes: number;
}

/** Of this process. */
export function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
}

/** Of several processes. */
export function sumOf(usages: readonly Usage[]): Usage {
  return {
    cpuMicros: usages.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
    rssBytes: usages.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
  };
}
