/** Somebody asks for more than he may: 429. Nothing was done. */
export class RateLimitedError extends Error {
  override readonly name = "RateLimitedError";
  /** 1 or more. */
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
