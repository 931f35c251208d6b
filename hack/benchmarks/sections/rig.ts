/** What sections have in common: images made once, devices that are always taken away again. */
import { rmSync } from 'node:fs';
import { type BenchDevice, benchDevice, newDirectory } from '../device.ts';
import type { Context } from '../figure.ts';
import { type BenchState, benchState, makeRoot, readImage } from '../guest.ts';

/** Lends an image of the root file system. */
export async function withImage<T>(work: (image: Buffer) => Promise<T>): Promise<T> {
  const directory = newDirectory();
  try {
    return await work(readImage(makeRoot(directory).image));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A device with `count` containers; `state(1)`, `state(2)` … change the first one only. */
export const withDevice = <T>(
  { program }: Context,
  count: number,
  work: (device: BenchDevice, state: (version: number) => BenchState) => Promise<T>,
): Promise<T> =>
  withImage(async (image) => {
    const device = benchDevice(program, (marks) => ({
      revision: benchState(image, marks, count),
      others: [benchState(image, marks, count, 1), benchState(image, marks, count, 2)],
    }));
    // What is left behind follows from what went wrong before: that comes first.
    const worked = await Promise.allSettled([
      work(device, (version) => benchState(image, device.marks, count, version)),
    ]);
    const removed = await Promise.allSettled([device.remove()]);
    const failures = [...worked, ...removed].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    if (failures.length > 1) throw new Error(failures.map((failure) => String(failure)).join('\n'));
    if (failures.length === 1) throw failures[0];
    return (worked[0] as PromiseFulfilledResult<T>).value;
  });

/** Rounds of a measurement, after one that warms everything up and is not counted. */
export async function measured<T>({ signal }: Context, rounds: number, once: () => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = -1; round < rounds; round += 1) {
    signal.throwIfAborted();
    const result = await once();
    if (round >= 0) results.push(result);
  }
  return results;
}
