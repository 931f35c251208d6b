/**
 * Says what of a real machine is missing, so that system tests are skipped aloud instead of passing silently.
 * The reason is part of the suite's title and printed once.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

/** Why this machine cannot do it; undefined: it can. */
const obstacles = {
  root: () => (process.getuid?.() === 0 ? undefined : 'needs root'),
  loop: () => (existsSync('/dev/loop-control') ? undefined : 'needs loop devices (/dev/loop-control)'),
  lxc: () => (onPath('lxc-start') ? undefined : 'needs LXC (lxc-start)'),
  squashfs: () => (onPath('mksquashfs') ? undefined : 'needs squashfs-tools (mksquashfs)'),
  mkfs: () => (onPath('mkfs.ext4') ? undefined : 'needs e2fsprogs (mkfs.ext4)'),
  zram: () => (existsSync('/sys/class/zram-control') ? undefined : 'needs zram (modprobe zram)'),
  swap: () => (existsSync('/proc/swaps') ? undefined : 'needs a kernel with swap'),
} as const;

export type Need = keyof typeof obstacles;

export const onPath = (program: string): boolean =>
  `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`
    .split(delimiter)
    .some((directory) => existsSync(join(directory, program)));

/** The first thing in the way, root before all else. */
export const missing = (needs: readonly Need[]): string | undefined =>
  (['root', ...needs] as const).map((need) => obstacles[need]()).find((reason) => reason !== undefined);

/** A suite that changes the real machine: `describeSystem('mounts', () => { … }, ['loop'])`. Root is always needed. */
export const describeSystem = (name: string, suite: () => void, needs: readonly Need[] = []): void => {
  const reason = missing(needs);
  if (reason === undefined) {
    describe(name, suite);
    return;
  }
  process.stderr.write(`skipped: ${name}: ${reason}\n`);
  describe.skip(`${name} [skipped: ${reason}]`, suite);
};
