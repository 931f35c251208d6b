/**
 * Rotation of one file at a time: it is renamed to `.<file>.<N>.rotating`, so that the next line
 * begins a new one, and becomes `<file>.<N>.gz` beside the event loop. Cut off anywhere in between, the next start goes
 * on: an archive gets its name when it is whole and on the disk, and only then what it was made of goes.
 */
import { DeviceError } from '../host/host.ts';
import type { LogFiles } from '../host/log-files.ts';
import type { Usage } from './disk-usage.ts';
import type { Losses } from './dropped-lines.ts';
import { archiveAt, archiveOf, isUnfinished, rotatingAt, rotatingOf } from './log-path.ts';

export interface Rotation {
  /** The one before it is not compressed yet. */
  isBusy(path: string): boolean;
  /** Must be closed. @throws DeviceError */
  rotate(path: string): Promise<void>;
  /** Takes up what was cut off, after the usage was looked up. @throws DeviceError */
  recover(): Promise<void>;
  /** Everything is compressed. */
  idle(): Promise<void>;
}

export interface RotationOptions {
  readonly logs: LogFiles;
  readonly usage: Usage;
  readonly losses: Losses;
  readonly onBug: (error: unknown) => void;
}

const COMPRESSING = 'logs: compress';

export const openRotation = ({ logs, usage, losses, onBug }: RotationOptions): Rotation => {
  const busy = new Set<string>();
  /** Highest number given, by file. */
  const numbers = new Map<string, number>();
  /** One at a time: gzip takes one of the threads that everything else shares. */
  let compressing = Promise.resolve();

  const highest = (path: string): number =>
    usage.files().reduce((found, file) => {
      const rotated = archiveAt(file.path) ?? rotatingAt(file.path);
      return rotated?.of === path ? Math.max(found, rotated.number) : found;
    }, 0);

  const compressNow = async (path: string, number: number): Promise<void> => {
    const from = rotatingOf(path, number);
    try {
      const sizeBytes = await logs.compress(from, archiveOf(path, number));
      usage.set(archiveOf(path, number), sizeBytes);
      usage.remove(from);
      losses.over(COMPRESSING);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (error.code === 'ENOENT') return; // its room was needed
      // It stays as it is until the next start, or until its room is needed.
      losses.add(COMPRESSING, error.code, 0);
    } finally {
      busy.delete(path);
    }
  };
  const compress = (path: string, number: number): void => {
    busy.add(path);
    compressing = compressing.then(() => compressNow(path, number)).catch(onBug);
  };

  return {
    isBusy: (path) => busy.has(path),
    rotate: async (path) => {
      const number = (numbers.get(path) ?? highest(path)) + 1;
      const to = rotatingOf(path, number);
      const size = usage.sizeOf(path) ?? 0;
      await logs.rename(path, to);
      numbers.set(path, number);
      usage.remove(path);
      usage.set(to, size);
      compress(path, number);
    },
    recover: async () => {
      numbers.clear();
      for (const { path } of usage.files()) {
        const rotating = rotatingAt(path);
        const isLeft = rotating !== undefined && usage.sizeOf(archiveOf(rotating.of, rotating.number)) !== undefined;
        if (isUnfinished(path) || isLeft) {
          await logs.remove(path);
          usage.remove(path);
        } else if (rotating !== undefined) compress(rotating.of, rotating.number);
      }
    },
    idle: () => compressing,
  };
};
