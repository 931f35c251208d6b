/** What a row of measured numbers says. Pure. */

export interface Summary {
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  /** Of the sample; 0 for one run. */
  readonly standardDeviation: number;
}

/** Of numbers in ascending order, the one that a share of them does not exceed. */
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(Math.max(Math.ceil(share * sorted.length) - 1, 0), sorted.length - 1)] ?? Number.NaN;

const ascending = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b);

export const percentile = (values: readonly number[], share: number): number => at(ascending(values), share);

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export const median = (values: readonly number[]): number => {
  const sorted = ascending(values);
  const middle = sorted.length / 2;
  return (at(sorted, 0.5) + (Number.isInteger(middle) ? (sorted[middle] ?? Number.NaN) : at(sorted, 0.5))) / 2;
};

export const summaryOf = (values: readonly number[]): Summary => {
  const average = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
  return {
    runs: values.length,
    min: Math.min(...values),
    median: median(values),
    max: Math.max(...values),
    standardDeviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)),
  };
};

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The median of the slopes between all pairs of points (Theil and Sen): what y gains per x, whatever single points do.
 * `low` and `high` enclose the true slope in 95 of 100 cases (Sen 1968, after Kendall); a trend whose `low` is above 0
 * is no chance.
 */
export const slopeOf = (points: readonly Point[]): { slope: number; low: number; high: number } => {
  const slopes = ascending(
    points.flatMap((a, index) =>
      points.slice(index + 1).flatMap((b) => (a.x === b.x ? [] : [(b.y - a.y) / (b.x - a.x)])),
    ),
  );
  const n = points.length;
  const spread = 1.96 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const edge = (rank: number): number => slopes[Math.min(Math.max(Math.round(rank), 0), slopes.length - 1)] ?? 0;
  return {
    slope: slopes.length === 0 ? 0 : median(slopes),
    low: edge((slopes.length - spread) / 2 - 1),
    high: edge((slopes.length + spread) / 2),
  };
};
