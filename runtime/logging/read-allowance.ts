/** How much may be read of one file, as a bucket that fills with time: bursts go through, a flood does not. */
import type { Clock } from '../host/host.ts';

export interface Allowance {
  /** @returns how long to rest before the next; 0: go on. */
  spend(bytes: number): number;
}

/** Far above what a log that somebody reads comes to, far below what wears flash out. */
const BYTES_PER_SECOND = 256 * 1024;
const BURST_BYTES = 1024 * 1024;

export const allowance = ({ nowMs }: Pick<Clock, 'nowMs'>): Allowance => {
  let left = BURST_BYTES;
  let atMs = nowMs();
  return {
    spend: (bytes) => {
      const now = nowMs();
      left = Math.min(BURST_BYTES, left + ((now - atMs) * BYTES_PER_SECOND) / 1000) - bytes;
      atMs = now;
      return left >= 0 ? 0 : Math.ceil((-left * 1000) / BYTES_PER_SECOND);
    },
  };
};
