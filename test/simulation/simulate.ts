/** One seed, from the first state to the last check. */
import { type BenchOptions, benchFor, calmDown, runCourse } from './bench.ts';
import { checkPromises } from './verdict.ts';

/** @throws Broken, or our bug. */
export const simulate = async (seed: number, options: BenchOptions = {}): Promise<void> => {
  const bench = await benchFor(seed, options);
  await runCourse(bench);
  await calmDown(bench);
  await checkPromises(bench);
};
