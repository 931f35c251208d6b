/** When the inits of containers left their marks, each being their first deed. */
import { existsSync, type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';

export interface Marks {
  /** Until `count` marks were left since the last call. @returns when the last one was. @throws Error after 20 s. */
  left(count: number): Promise<number>;
  close(): void;
}

const LIMIT_MS = 20_000;

export function watchMarks(directory: string): Marks {
  const seen = new Map<string, number>();
  let settle: () => void = () => undefined;
  const watcher: FSWatcher = watch(directory, (_, name) => {
    const nowMs = performance.now();
    // Opening a mark and writing to it are two events, of which the first counts. Removing one is an event as well.
    if (name === null || seen.has(name) || !existsSync(join(directory, name))) return;
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
