/**
 * Files that a boot loader reads and writes by itself, without the journal of the file system.
 *
 * A boot loader sees a renamed file only when the journal has reached the disk proper; until then it reads the old one,
 * and its own changes go to blocks that nothing points to afterwards. So such a file keeps its blocks: it is written
 * over, and synced. That is one sector for what counts, which a disk writes whole or not at all.
 */
import { closeSync, constants, openSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { ioctl } from '../kernel/libc.ts';
import { attempt, hasCode } from './file-errors.ts';
import { write } from './writing.ts';

/** Overwrites a file that has this size already; any other is replaced as usual. */
export const overwrite = (path: string, content: string | Uint8Array, mode: number): Promise<void> =>
  attempt('write', path, async () => {
    const bytes = Buffer.from(content);
    const stat = await fs.lstat(path).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (stat?.isFile() !== true || stat.size !== bytes.length) return write(path, bytes, mode);
    await using file = await fs.open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
    await file.sync();
  });

/** EXT4_IOC_CHECKPOINT of linux/ext4.h, since Linux 5.14; other file systems refuse it. */
const EXT4_IOC_CHECKPOINT = 0x4004662b;

/** Brings everything that is in the journal of an ext4 to its place, where a boot loader finds it. @throws DeviceError */
export const flushJournal = (directory: string): void => {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    ioctl(fd, EXT4_IOC_CHECKPOINT, Buffer.alloc(4));
  } finally {
    closeSync(fd);
  }
};
