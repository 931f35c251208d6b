import { expect, it } from 'vitest';
import { retryDelayMs } from '../../../runtime/engine/retry-delay.ts';

it('waits four times as long after each failure, and never longer than a minute', () => {
  expect([1, 2, 3, 4, 5, 6, 1_000].map((attempts) => retryDelayMs(attempts))).toEqual([
    ...[200, 800, 3_200, 12_800, 51_200],
    ...[60_000, 60_000],
  ]);
});

it('follows other delays where they are given, and stays a number', () => {
  const delays = { firstMs: 10, factor: 10, longestMs: Number.MAX_SAFE_INTEGER };
  expect([1, 3, 500].map((attempts) => retryDelayMs(attempts, delays))).toEqual([10, 1_000, 10 ** 11]);
});
