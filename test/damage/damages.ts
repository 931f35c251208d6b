/** The ways in which one file can be damaged, done to the simulated device. */
import type { FileStat, Files } from '../../runtime/host/host.ts';
import { DeviceError } from '../../runtime/host/host.ts';
import type { SimulatedHost } from '../../runtime/host/simulated/simulated.ts';
import { settled } from '../scenarios/settled.ts';

export const DAMAGES = [
  'empty',
  'half',
  'flipped bit',
  'removed',
  'directory',
  'FIFO',
  'mode 000',
  'EIO',
  'sparse giant',
] as const;
export type Damage = (typeof DAMAGES)[number];

/** What the simulated file system has no word for, the daemon's files answer instead. */
export type Wrap = (files: Files) => Files;

const GIANT_BYTES = 2 ** 40;

const withFlippedBit = (content: Buffer): Buffer => {
  const flipped = Buffer.from(content);
  const at = Math.floor(flipped.length / 2);
  if (flipped.length > 0) flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
};

const inPlace: Partial<Record<Damage, (content: Buffer) => Buffer>> = {
  empty: () => Buffer.alloc(0),
  half: (content) => content.subarray(0, content.length / 2),
  'flipped bit': withFlippedBit,
};

/** @returns what the daemon's files have to be wrapped in. */
export const damage = async (host: SimulatedHost, path: string, kind: Damage): Promise<Wrap> => {
  const changed = inPlace[kind];
  if (changed !== undefined) {
    const content = await settled(host, host.operator.files.read(path, Number.MAX_SAFE_INTEGER));
    // The same inode: under all its names.
    host.mischief.rot(path, changed(content ?? Buffer.alloc(0)).toString('latin1'));
    return (files) => files;
  }
  if (kind === 'removed' || kind === 'directory') {
    host.mischief.removeTree(path);
    // A write of somebody else's syncs: a power cut must not bring it back.
    host.mischief.write('/storage/cache/.synced', '');
    if (kind === 'directory') host.mischief.write(`${path}/something`, 'of somebody');
    return (files) => files;
  }
  return answering(path, kind);
};

type Answered = 'FIFO' | 'mode 000' | 'EIO' | 'sparse giant';

/** Until something else is written, renamed or removed there. */
const answering =
  (path: string, kind: Damage): Wrap =>
  (files) => {
    let isDamaged = true;
    const refusal = (operation: string): DeviceError =>
      new DeviceError(operation, path, CODES[kind as Answered] ?? 'EIO', 'injected');
    const reading =
      <A extends readonly unknown[], T>(operation: string, work: (at: string, ...more: A) => Promise<T>) =>
      async (at: string, ...more: A): Promise<T> => {
        if (isDamaged && at === path) throw refusal(operation);
        return work(at, ...more);
      };
    const replacing =
      <A extends readonly unknown[], T>(work: (at: string, ...more: A) => Promise<T>) =>
      async (at: string, ...more: A): Promise<T> => {
        const done = await work(at, ...more);
        if (at === path) isDamaged = false;
        return done;
      };
    return {
      ...files,
      stat: async (at) => {
        const stat = await files.stat(at);
        return isDamaged && at === path && stat !== undefined ? statOf(stat, kind) : stat;
      },
      read: reading('read', files.read),
      inspect: reading('inspect', files.inspect),
      append: reading('append', files.append),
      stream: async function* (at) {
        if (isDamaged && at === path) throw refusal('stream');
        yield* files.stream(at);
      },
      write: replacing(files.write),
      writeStream: replacing(files.writeStream),
      remove: replacing(files.remove),
      symlink: async (target, at) => {
        await files.symlink(target, at);
        if (at === path) isDamaged = false;
      },
      link: async (existing, at) => {
        if (isDamaged && existing === path) throw refusal('link');
        await files.link(existing, at);
        if (at === path) isDamaged = false;
      },
      rename: async (from, to) => {
        await files.rename(from, to);
        if (from === path || to === path) isDamaged = false;
      },
    };
  };

const CODES: Record<Answered, string> = { FIFO: 'EINVAL', 'mode 000': 'EACCES', EIO: 'EIO', 'sparse giant': 'EFBIG' };

const statOf = (stat: FileStat, kind: Damage): FileStat => {
  if (kind === 'FIFO') return { ...stat, type: 'other', sizeBytes: 0 };
  return kind === 'sparse giant' ? { ...stat, sizeBytes: GIANT_BYTES } : stat;
};
