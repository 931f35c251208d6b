/**
 * Random devices, courses and faults, each made from a seed. `SIMULATION_SEEDS` says how many (default 200),
 * `SIMULATION_FIRST` from which on. A seed that fails is replayed step by step with `hack/replay SEED`.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { ALL_FAULT_POINTS } from '../../runtime/host/simulated/operation.ts';
import { simulate } from './simulate.ts';

const FIRST = Number(process.env['SIMULATION_FIRST'] ?? 1);
const SEEDS = Number(process.env['SIMULATION_SEEDS'] ?? 200);
const PER_TEST = 20;
/** Of real time; a seed takes about a tenth of a second. */
const LIMIT_MS = 120_000;

/** Every fault that was really met, in words. */
const points = new Set<string>();

const failureOf = async (seed: number): Promise<string[]> => {
  try {
    await simulate(seed, { onFault: (point) => points.add(point) });
    return [];
  } catch (error) {
    return [`hack/replay ${seed}: ${error instanceof Error ? error.message : error}`];
  }
};

/** Test files run side by side: each takes its part of the seeds. */
export const simulateSeeds = (part: number, parts: number): void => {
  const count = Math.ceil(SEEDS / parts);
  const start = FIRST + (part - 1) * count;
  const batches = Array.from({ length: Math.ceil(count / PER_TEST) }, (_, index) => start + index * PER_TEST);

  describe('a device that anything happens to keeps its promises', () => {
    it.each(batches)(`with the ${PER_TEST} seeds from %i on`, { timeout: LIMIT_MS }, async (first) => {
      const failures: string[] = [];
      const last = Math.min(first + PER_TEST, start + count);
      for (let seed = first; seed < last; seed += 1) failures.push(...(await failureOf(seed)));
      expect(failures).toEqual([]);
    });

    afterAll(() => {
      const kinds = new Set([...points].map((point) => point.slice(0, point.indexOf(' '))));
      // As who asks for what has no fault to meet: it only ever tells.
      const never = ALL_FAULT_POINTS.filter((kind) => !kinds.has(kind) && kind !== 'containers.ready');
      process.stdout.write(
        `${points.size} distinct fault points met by ${count} seeds, at ${kinds.size} of ${kinds.size + never.length} ` +
          `kinds of operation${never.length === 0 ? '' : `; never at ${never.join(', ')}`}\n`,
      );
    });
  });
};
