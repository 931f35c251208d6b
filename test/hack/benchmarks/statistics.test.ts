import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median, percentile, slopeOf, summaryOf } from '../../../hack/benchmarks/statistics.ts';
import { trend } from '../../../hack/benchmarks/trend.ts';

test.each([
  ['one run is its own median', [7], 7],
  ['of an odd number the one in the middle', [9, 1, 5], 5],
  ['of an even number the mean of the two in the middle', [4, 1, 3, 100], 3.5],
])('the median: %s', (_, values, expected) => {
  expect(median(values)).toBe(expected);
});

test('a percentile is a value that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([0.5, 0.95, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([50, 95, 99, 100]);
});

test('the standard deviation is that of a sample', () => {
  expect(summaryOf([2, 4, 4, 4, 5, 5, 7, 9]).standardDeviation).toBeCloseTo(2.138, 3);
  expect(summaryOf([3]).standardDeviation).toBe(0);
});

const samples = (of: (x: number) => number) => Array.from({ length: 60 }, (_, x) => ({ x, y: of(x) }));

test('the slope of a line is found whatever single points do', () => {
  fc.assert(
    fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 59 }), (slope, spoiled) => {
      const found = slopeOf(samples((x) => slope * x + (x === spoiled ? 1e6 : 0)));
      expect(found.slope).toBeCloseTo(slope, 6);
    }),
  );
});

const noise = (x: number): number => ((x * 7919) % 13) - 6;

test.each([
  ['noise is no growth', noise, 0, true],
  ['a leak is growth in spite of noise', (x: number) => noise(x) + x, 0, false],
  ['warming up is no growth', (x: number) => Math.min(x, 15) * 10, 0, true],
  ['a leak that is tolerated is none', (x: number) => x / 1000, 1, true],
])('%s', (_, of, tolerated, isFlat) => {
  const { values, goal = Number.NaN } = trend('it', 'MB', samples(of), tolerated);
  expect((values[0] ?? Number.NaN) <= goal + 1e-9).toBe(isFlat);
});
