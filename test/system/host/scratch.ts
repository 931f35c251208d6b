/** A directory for one test, and the certainty that nothing of it is left mounted, attached or swapped on. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unescapeOctal } from '../../../runtime/host/linux/mounts/mountinfo.ts';
import { usesOf } from './traces-of.ts';

const LIMIT_MS = 10_000;

/** Real time, because the kernel's is. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  const giveUpAt = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`still not so after ${LIMIT_MS} ms: ${holds}`);
    await sleep(10);
  }
};

export interface Scratch {
  readonly root: string;
  /** Cleans up. @throws Error naming a loop device that did not free itself: that is a leak of the host. */
  remove(): Promise<void>;
}

const isLoop = (use: string): boolean => use.startsWith('/dev/loop');
const isMount = (use: string): boolean => /^\d+ \d+ \d+:\d+ /.test(use);
const mountPoint = (line: string): string => unescapeOctal(line.split(' ')[4] ?? '');

/** By the tools of the system, so that a broken host cannot hide its leaks. What fails here is found by the last look. */
const takeDown = (root: string): void => {
  const run = (program: string, ...args: readonly string[]): unknown => spawnSync(program, args, { stdio: 'ignore' });
  const uses = usesOf(root).toReversed();
  for (const use of uses.filter(isMount)) run('umount', '-l', mountPoint(use));
  for (const use of uses) if (use.startsWith(root)) run('swapoff', unescapeOctal(use.split(/\s/)[0] ?? ''));
};

const detachLeakedLoops = (root: string): void => {
  for (const use of usesOf(root)) if (isLoop(use)) execFileSync('losetup', ['-d', use.split(':')[0] ?? '']);
};

export const scratch = (name: string): Scratch => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), `pvtest-${name}-`)));
  return {
    root,
    remove: async () => {
      try {
        takeDown(root);
        // Autoclear detaches a loop device some time after the unmount returned.
        await until(() => usesOf(root).length === 0);
      } finally {
        detachLeakedLoops(root);
        // Never through a mount that is left, into what it shows.
        if (usesOf(root).every(isLoop)) rmSync(root, { recursive: true, force: true });
      }
    },
  };
};
