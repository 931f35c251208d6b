/** Whether something grew while the same was done again and again. Pure. */
import type { Figure, Unit } from './figure.ts';
import { type Point, slopeOf } from './statistics.ts';

/** The first share of the samples is warming up: caches fill, code is optimised. */
const WARM_UP = 0.3;

/**
 * What a quantity gains per 1000 repetitions; its value is the least that it gains in 95 of 100 cases, so that chance
 * is no growth.
 */
export function trend(name: string, unit: Unit, samples: readonly Point[], tolerated: number): Figure {
  const settled = samples.slice(Math.floor(samples.length * WARM_UP));
  const { slope, low, high } = slopeOf(settled);
  const values = samples.map(({ y }) => y);
  const [first = Number.NaN, last = Number.NaN] = [values[0], values.at(-1)];
  const note = `slope ${show(slope * 1000)}, with 95 % between ${show(low * 1000)} and ${show(high * 1000)}; from ${show(first)} to ${show(last)}, at most ${show(Math.max(...values))}`;
  return { name: `${name}, sure growth per 1000`, unit, values: [low * 1000], goal: tolerated, note };
}

const show = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));
