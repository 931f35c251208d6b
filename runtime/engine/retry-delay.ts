/** How long something is held back that the device refused: everything that is retried follows this. */
export interface RetryDelays {
  readonly firstMs: number;
  readonly factor: number;
  readonly longestMs: number;
}

/** Of an action, and of background jobs. */
export const RETRY_DELAYS: RetryDelays = { firstMs: 200, factor: 4, longestMs: 60_000 };

/** @param attempts failed in a row, from 1 */
export const retryDelayMs = (attempts: number, delays: RetryDelays = RETRY_DELAYS): number =>
  Math.min(delays.firstMs * delays.factor ** Math.min(attempts - 1, 10), delays.longestMs);
