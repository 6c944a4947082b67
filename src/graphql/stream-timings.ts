/** How long streams and those who read them may take, in milliseconds. */
export interface StreamTimings {
  /** How often open streams are looked at: whether their access tokens hold and their readers read. */
  readonly lookIntervalMs: number;
  /** How long a result may wait to be taken. */
  readonly takeTimeoutMs: number;
  /** How long a WebSocket may be open before its client has shown an access token. */
  readonly admissionTimeoutMs: number;
  /** How often the other side of a WebSocket is asked whether it is still there; it has as long to answer. */
  readonly pingIntervalMs: number;
  /** How long a WebSocket may be open without a subscription. */
  readonly idleTimeoutMs: number;
}

/** What holds where nothing else is said. */
export const streamTimings: StreamTimings = {
  lookIntervalMs: 1_000,
  takeTimeoutMs: 10_000,
  admissionTimeoutMs: 10_000,
  pingIntervalMs: 12_000,
  idleTimeoutMs: 60_000,
};
