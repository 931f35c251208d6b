/** What a line of the mount table means to the port: which kind of mount it is, and of what. */
import { lstat, stat } from 'node:fs/promises';
import type { Mount } from '../../host.ts';
import { backingFileOf } from '../disks/loop-device.ts';
import { attemptUnlessAbsent } from '../files/file-errors.ts';
import { type MountEntry, namesOf } from './mountinfo.ts';

const LOOP_NODE = /^\/dev\/loop\d+$/;

const numbersOf = (device: number): string => {
  // As glibc's gnu_dev_major and gnu_dev_minor, for the numbers the kernel can have today.
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return `${major}:${minor}`;
};

/** `<major>:<minor>` of a block device node; undefined: it is none. */
const deviceNumbersOf = async (node: string): Promise<string | undefined> => {
  const stats = await attemptUnlessAbsent('stat', node, () => stat(node));
  return stats?.isBlockDevice() ? numbersOf(stats.rdev) : undefined;
};

/** Some file systems (btrfs) show a number of their own instead of their device's. */
const backingFile = async ({ device, source }: MountEntry) => {
  const direct = device.startsWith('7:') ? device : undefined;
  const numbers = direct ?? (LOOP_NODE.test(source) ? await deviceNumbersOf(source) : undefined);
  return numbers === undefined ? undefined : await backingFileOf(numbers);
};

/** The device node, as it was named to mount(2); nothing for file systems without one. */
const deviceOf = ({ root, source }: MountEntry): readonly string[] =>
  root === '/' && source.startsWith('/dev/') ? [source] : [];

/** Whether the same file system was mounted somewhere else before: then this is a bind of it. */
const isBind = (entries: readonly MountEntry[], entry: MountEntry): boolean =>
  entry.root !== '/' || entries.find(({ device }) => device === entry.device) !== entry;

/**
 * A removed directory keeps its mounts; the table says so only when it is read anew, the number of links at once.
 * The inode is part of a bind's identity: a directory made anew under the old name is another tree.
 */
const bindStatus = async (entries: readonly MountEntry[], entry: MountEntry): Promise<Mount> => {
  const stats = await attemptUnlessAbsent('stat', entry.target, () => lstat(entry.target));
  return {
    target: entry.target,
    type: 'bind',
    sources: [...namesOf(entries, entry), ...deviceOf(entry)],
    identity: `${entry.device}:${entry.root}#${stats?.ino ?? 0}`,
    deleted: entry.deleted || stats?.nlink === 0,
    readOnly: isReadOnly(entry),
  };
};

const isReadOnly = ({ options, superOptions }: MountEntry): boolean =>
  options.includes('ro') || superOptions.includes('ro');

export const statusOf = async (entries: readonly MountEntry[], entry: MountEntry): Promise<Mount> => {
  const image = entry.root === '/' ? await backingFile(entry) : undefined;
  const common = {
    target: entry.target,
    identity: `${entry.device}:${entry.root}`,
    deleted: image?.deleted ?? entry.deleted,
    readOnly: isReadOnly(entry),
  };
  if (image !== undefined) return { ...common, type: 'image', sources: [image.path, ...deviceOf(entry)] };
  if (isBind(entries, entry)) return await bindStatus(entries, entry);
  return { ...common, type: entry.filesystem === 'tmpfs' ? 'tmpfs' : 'foreign', sources: deviceOf(entry) };
};
