/**
 * The log files that are open: the ones written last, so that a record costs one write and not a walk through the tree.
 * A file whose name somebody took away is noticed within a second and made anew.
 */
import type { Clock } from '../host/host.ts';
import type { LogFile, LogFiles } from '../host/log-files.ts';

/** Two platforms with as many files as they may have. */
const MAX_OPEN = 256;
const LOOK_AGAIN_MS = 1_000;

interface Open {
  readonly file: LogFile;
  sizeBytes: number;
  lookedAtMs: number;
  isDirty: boolean;
}

export interface OpenFiles {
  /** @throws DeviceError */
  of(path: string): Promise<{ readonly identity: string; readonly sizeBytes: number }>;
  /** @returns its size then. @throws DeviceError, with the file closed */
  append(path: string, parts: readonly Uint8Array[]): Promise<number>;
  close(path: string): Promise<void>;
  /** What was appended is on the disk. @throws DeviceError */
  sync(): Promise<void>;
  closeAll(): Promise<void>;
}

export const openFiles = (files: LogFiles, clock: Clock): OpenFiles => {
  /** In the order of their use. */
  const open = new Map<string, Open>();

  const close = async (path: string): Promise<void> => {
    const entry = open.get(path);
    open.delete(path);
    await entry?.file.close();
  };
  const makeRoom = async (): Promise<void> => {
    const [oldest] = open.keys();
    if (oldest === undefined || open.size < MAX_OPEN) return;
    // Not synced: whoever writes to more files than that would have the disk sync for every record. The kernel will.
    await close(oldest);
  };
  const present = async (path: string): Promise<Open | undefined> => {
    const entry = open.get(path);
    if (entry === undefined) return undefined;
    const nowMs = clock.nowMs();
    if (nowMs - entry.lookedAtMs < LOOK_AGAIN_MS) return entry;
    entry.lookedAtMs = nowMs;
    if (await entry.file.isNamed()) return entry;
    await close(path);
    return undefined;
  };
  const take = async (path: string): Promise<Open> => {
    let entry = await present(path);
    if (entry === undefined) {
      await makeRoom();
      const file = await files.open(path);
      entry = { file, sizeBytes: file.sizeBytes, lookedAtMs: clock.nowMs(), isDirty: false };
    }
    open.delete(path);
    open.set(path, entry);
    return entry;
  };

  return {
    of: async (path) => {
      const { file, sizeBytes } = await take(path);
      return { identity: file.identity, sizeBytes };
    },
    append: async (path, parts) => {
      const entry = await take(path);
      try {
        entry.isDirty = true;
        entry.sizeBytes = await entry.file.append(parts);
        return entry.sizeBytes;
      } catch (error) {
        await close(path);
        throw error;
      }
    },
    close,
    sync: async () => {
      for (const entry of open.values()) {
        if (!entry.isDirty) continue;
        entry.isDirty = false;
        await entry.file.sync();
      }
    },
    closeAll: async () => {
      for (const path of [...open.keys()]) await close(path);
    },
  };
};
