/**
 * Boots of the device within one boot of the machine: in appengine mode a reboot takes everything down and starts the
 * daemon afresh, while the kernel runs on. Counted in the run directory, which a real reboot empties.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { attemptUnlessAbsent } from '../files/file-errors.ts';

export interface BootCounter {
  readonly count: number;
  /** From the next start on it is another boot. */
  next(): Promise<void>;
}

export const bootCounter = async (run: string): Promise<BootCounter> => {
  const path = `${run}/.boots`;
  const text = await attemptUnlessAbsent('read', path, () => readFile(path, 'utf8'));
  const count = Number.parseInt(text ?? '0', 10) || 0;
  return {
    count,
    next: async () => {
      await mkdir(run, { recursive: true });
      await writeFile(`${path}.new`, String(count + 1));
      await rename(`${path}.new`, path);
    },
  };
};
