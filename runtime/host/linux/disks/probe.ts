/** What a device or a file holds, by libblkid's knowledge of signatures. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DeviceError } from '../../host.ts';
import { attemptUnlessAbsent } from '../files/file-errors.ts';
import { ioctl } from '../kernel/libc.ts';
import { run } from '../kernel/run-command.ts';

/** blkid answers 2 for nothing found as well as for unreadable, and 8 for several answers. */
const NOTHING_FOUND = 2;
const AMBIVALENT = 8;

/** Where signatures are: blkid looks at the beginning, and for RAID members at the end. */
const BEGINNING_BYTES = 2 * 1024 * 1024;
const END_BYTES = 256 * 1024;

const BLKGETSIZE64 = 0x80081272;

/** stat(2) says 0 for block devices. */
const sizeOf = async (file: FileHandle): Promise<number> => {
  const stats = await file.stat();
  if (!stats.isBlockDevice()) return stats.size;
  const size = Buffer.alloc(8);
  ioctl(file.fd, BLKGETSIZE64, size);
  return Number(size.readBigUInt64LE());
};

/** @throws EIO and whatever else keeps us from being sure that nothing is there. */
const assertReadable = async (file: FileHandle): Promise<void> => {
  const sizeBytes = await sizeOf(file);
  const beginning = Buffer.allocUnsafe(Math.min(sizeBytes, BEGINNING_BYTES));
  await file.read(beginning, 0, beginning.length, 0);
  const end = Buffer.allocUnsafe(Math.min(sizeBytes, END_BYTES));
  await file.read(end, 0, end.length, sizeBytes - end.length);
};

const valueIn = (output: string, key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(output)?.[1];

/** As blkid names it; `blank`: readable, and no signature at all. */
export const probe = async (path: string, file: FileHandle): Promise<string> => {
  const { code, stdout, stderr } = await run('blkid', ['-p', '-o', 'export', '--', path]);
  if (code === NOTHING_FOUND) {
    await assertReadable(file);
    return 'blank';
  }
  if (code === AMBIVALENT) return 'ambivalent';
  if (code !== 0) throw new DeviceError('blkid', path, 'FAILED', `exit code ${code}: ${stderr.trim()}`);
  return valueIn(stdout, 'TYPE') ?? valueIn(stdout, 'PTTYPE') ?? 'unknown';
};

export const contents = (path: string): Promise<string | undefined> =>
  attemptUnlessAbsent('probe', path, async () => {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (stats.isFile() || stats.isBlockDevice()) return await probe(path, file);
    throw new DeviceError('probe', path, 'ENOTBLK', 'neither a block device nor a file');
  });
