/**
 * When the inits of containers left their marks, each being their first deed.
 *
 * A mark is a line that an init appends to a file of its container's name: a file that has grown is an init that ran.
 * The kernel tells of one line more than once, so that counting what it tells would count an init again, later.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { join } from 'node:path';

export interface Marks {
  /** Until `count` containers left a mark since the last call. @returns when the last one did. @throws Error after 20 s. */
  left(count: number): Promise<number>;
  close(): void;
}

const LIMIT_MS = 20_000;

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

export function watchMarks(directory: string): Marks {
  const sizes = new Map<string, number>();
  const seen = new Map<string, number>();
  let settle: () => void = () => undefined;
  const watcher: FSWatcher = watch(directory, (_, name) => {
    const nowMs = performance.now();
    if (name === null) return;
    const [size, before] = [sizeOf(join(directory, name)), sizes.get(name) ?? 0];
    sizes.set(name, size);
    if (size <= before || seen.has(name)) return;
    seen.set(name, nowMs);
    settle();
  });
  return {
    left: (count) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${seen.size} of ${count} containers ran`)), LIMIT_MS);
        settle = () => {
          if (seen.size < count) return;
          clearTimeout(timer);
          settle = () => undefined;
          resolve(Math.max(...seen.values()));
          seen.clear();
        };
        settle();
      }),
    close: () => watcher.close(),
  };
}
