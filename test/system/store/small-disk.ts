/** A device whose storage is a file system of its own, small enough to be filled. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, statfsSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RealDevice } from '../daemon/real-device.ts';

export interface SmallDisk {
  freeBytes(): number;
  /** To the last byte. */
  fill(): void;
  /** Takes away what `fill` wrote. */
  empty(): void;
}

const MIB = 1024 * 1024;

/** Runs `work` on the device with that storage, and takes the disk off again, whatever happens. */
export const onSmallDisk = async (
  device: RealDevice,
  sizeMib: number,
  work: (disk: SmallDisk) => Promise<void>,
): Promise<void> => {
  const image = join(device.directory, 'pvtest-small-disk.img');
  const filler = join(device.storage, 'somebody-s-data');
  closeSync(openSync(image, 'w'));
  truncateSync(image, sizeMib * MIB);
  execFileSync('mkfs.ext4', ['-q', '-m', '0', '-O', '^resize_inode', image]);
  execFileSync('mount', ['-o', 'loop', image, device.storage]);
  try {
    await work({
      freeBytes: () => {
        const { bfree, bsize } = statfsSync(device.storage);
        return bfree * bsize;
      },
      fill: () => fill(filler),
      empty: () => rmSync(filler, { force: true }),
    });
  } finally {
    await device.stop();
    execFileSync('umount', [device.storage]);
  }
};

const fill = (file: string): void => {
  const descriptor = openSync(file, existsSync(file) ? 'a' : 'w');
  try {
    for (let size = MIB; size >= 1; ) {
      try {
        writeSync(descriptor, Buffer.alloc(size, 1));
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(descriptor);
  }
};
