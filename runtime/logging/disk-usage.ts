/** How much room the logs take: looked up once, then counted along. */
import type { LogFileStat, LogFiles } from '../host/log-files.ts';

export interface Usage {
  readonly totalBytes: number;
  files(): LogFileStat[];
  /** undefined: not there. */
  sizeOf(path: string): number | undefined;
  set(path: string, sizeBytes: number): void;
  remove(path: string): void;
  /** Looks at the tree again: others write and remove there, too. @throws DeviceError */
  refresh(): Promise<void>;
}

export const openUsage = (logs: LogFiles): Usage => {
  let sizes = new Map<string, number>();
  let totalBytes = 0;
  return {
    get totalBytes() {
      return totalBytes;
    },
    files: () => [...sizes].map(([path, sizeBytes]) => ({ path, sizeBytes })),
    sizeOf: (path) => sizes.get(path),
    set: (path, sizeBytes) => {
      totalBytes += sizeBytes - (sizes.get(path) ?? 0);
      sizes.set(path, sizeBytes);
    },
    remove: (path) => {
      totalBytes -= sizes.get(path) ?? 0;
      sizes.delete(path);
    },
    refresh: async () => {
      const found = await logs.list();
      sizes = new Map(found.map(({ path, sizeBytes }) => [path, sizeBytes]));
      totalBytes = found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    },
  };
};
