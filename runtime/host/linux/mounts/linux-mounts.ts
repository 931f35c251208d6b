/**
 * The mount half of the port: mount(2) and the mount table.
 *
 * In: what is to be mounted where. Out: what is mounted where, and at which targets that changed.
 * Must never: detach lazily (a detached tree is still in use, but nobody can see it any more), change a mount that it
 * was not asked about, or let its own mounts propagate into the trees they were bound from.
 */
import { lstat, stat } from 'node:fs/promises';
import { defer, filter, fromEvent, map, type Observable, share, takeUntil, throttleTime } from 'rxjs';
import { DeviceError, type Mount, type Mounts } from '../../host.ts';
import { attachLoop } from '../disks/loop-device.ts';
import { attempt, hasCode } from '../files/file-errors.ts';
import { changesOf } from '../kernel/kernel-events.ts';
import { mount, UMOUNT_NOFOLLOW, umount2 } from '../kernel/libc.ts';
import { statusOf } from './linux-mount-status.ts';
import { flagsOfNames, flagsOfOptions, MS } from './mount-flags.ts';
import type { MountTable } from './mount-table.ts';
import { changedTargets, type MountEntry, mountAt, mountsBelow, subtreeOf } from './mountinfo.ts';

type Type = 'file' | 'directory';

/** mount(2) follows symlinks, and a symlink at a mount point leads to where nobody wanted anything mounted. */
const typeAt = (operation: string, path: string): Promise<Type> =>
  attempt(operation, path, async () => {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) throw new DeviceError(operation, path, 'ELOOP', 'is a symlink');
    return stats.isDirectory() ? 'directory' : 'file';
  });

const requireDirectory = async (target: string): Promise<void> => {
  if ((await typeAt('mount', target)) !== 'directory') throw new DeviceError('mount', target, 'ENOTDIR');
};

/** A journal of all data, then of the order of data, then whatever the image itself says. */
const EXT4_OPTIONS = ['data=journal', 'data=ordered', undefined] as const;

interface How {
  readonly type: string;
  readonly flags: number;
  /** Tried in this order. */
  readonly options: readonly (string | undefined)[];
}

const mountFirst = async (node: string, target: string, how: How): Promise<void> => {
  const { type, flags } = how;
  for (const [index, options] of how.options.entries()) {
    try {
      await mount(node, target, options === undefined ? { type, flags } : { type, flags, options });
      return;
    } catch (error) {
      // EINVAL: this file system cannot do what the options ask for.
      if (index === how.options.length - 1 || !hasCode(error, 'EINVAL')) throw error;
    }
  }
};

/** From then on only the mount keeps the loop device attached. */
const mountLoop = async (image: string, target: string, how: How): Promise<void> => {
  const loop = await attachLoop(image, (how.flags & MS.MS_RDONLY) !== 0);
  try {
    await mountFirst(loop.node, target, how);
  } finally {
    await loop.handle.close();
  }
};

const isSameTree = async (source: string, target: string): Promise<boolean> => {
  const [from, to] = await Promise.all([lstat(source), lstat(target)]);
  return from.dev === to.dev && from.ino === to.ino;
};

export class LinuxMounts implements Mounts {
  readonly changes: Observable<readonly string[]>;
  readonly #table: MountTable;

  /** `changes` completes when `closed` is aborted; the table must stay open until then. */
  constructor(table: MountTable, closed: AbortSignal) {
    this.#table = table;
    this.changes = changesIn(table).pipe(takeUntil(fromEvent(closed, 'abort')));
  }

  async at(target: string): Promise<Mount | undefined> {
    const entries = this.#table.read();
    const entry = mountAt(entries, target);
    return entry === undefined ? undefined : await statusOf(entries, entry);
  }

  async below(directory: string): Promise<readonly string[]> {
    return [...new Set(mountsBelow(this.#table.read(), directory).map(({ target }) => target))];
  }

  async mountImage({ image, target, filesystem, readOnly }: Parameters<Mounts['mountImage']>[0]): Promise<void> {
    await requireDirectory(target);
    const present = await this.at(target);
    const isSame = present?.type === 'image' && present.readOnly === readOnly && present.sources.includes(image);
    if (isSame && !present.deleted) return;
    const options = filesystem === 'ext4' && !readOnly ? EXT4_OPTIONS : [undefined];
    await mountLoop(image, target, { type: filesystem, flags: readOnly ? MS.MS_RDONLY : 0, options });
  }

  async bind({ source, target, recursive, readOnly }: Parameters<Mounts['bind']>[0]): Promise<void> {
    const [from, to] = [await typeAt('bind', source), await typeAt('bind', target)];
    if (from !== to) throw new DeviceError('bind', target, 'ENOTDIR', `is a ${to}, but ${source} is a ${from}`);
    const present = mountAt(this.#table.read(), target);
    const isUsable = present !== undefined && (readOnly || !present.options.includes('ro'));
    const isBound = isUsable && (await isSameTree(source, target));
    if (!isBound) await mount(source, target, { flags: MS.MS_BIND | (recursive ? MS.MS_REC : 0) });
    try {
      // Where the host's mounts are shared, unmounting something inside the copy would unmount it in the original too.
      await mount('none', target, { flags: MS.MS_SLAVE | (recursive ? MS.MS_REC : 0) });
      if (readOnly) await this.#makeReadOnly(target, recursive);
    } catch (error) {
      if (!isBound) await this.unmount(target);
      throw error;
    }
  }

  async mountTmpfs({ target }: { target: string }): Promise<void> {
    await requireDirectory(target);
    if ((await this.at(target))?.type === 'tmpfs') return;
    await mount('none', target, { type: 'tmpfs', flags: 0 });
  }

  /** A regular file is mounted as well, through a loop device. */
  async mountDevice({ device, target, filesystem, flags }: Parameters<Mounts['mountDevice']>[0]): Promise<void> {
    const bits = flagsOfNames(device, flags);
    await requireDirectory(target);
    const present = await this.at(target);
    if (present?.sources.includes(device) && !present.deleted) return;
    const stats = await attempt('mount', device, () => stat(device));
    if (stats.isBlockDevice()) return await mount(device, target, { type: filesystem, flags: bits });
    await mountLoop(device, target, { type: filesystem, flags: bits, options: [undefined] });
  }

  async unmount(target: string): Promise<void> {
    const entries = this.#table.read();
    const top = mountAt(entries, target);
    if (top === undefined) return;
    // Children after their parents in the table: the other way round.
    for (const entry of subtreeOf(entries, top).toReversed()) await this.#takeOff(entry);
  }

  async #takeOff({ id, target }: MountEntry): Promise<void> {
    try {
      await umount2(target, UMOUNT_NOFOLLOW);
    } catch (error) {
      // EINVAL, ENOENT: not a mount point any more. Somebody was faster, or its parent went and took it along.
      const isGone = !this.#table.read().some((entry) => entry.id === id);
      if (!isGone || !hasCode(error, 'EINVAL', 'ENOENT')) throw error;
    }
  }

  /** A bind takes its flags from the original; only a remount changes them, and one mount at a time. */
  async #makeReadOnly(target: string, recursive: boolean): Promise<void> {
    const entries = this.#table.read();
    const top = mountAt(entries, target);
    if (top === undefined) throw new DeviceError('bind', target, 'EINVAL', 'unmounted meanwhile');
    for (const { target: at, options } of recursive ? subtreeOf(entries, top) : [top]) {
      const flags = flagsOfOptions(options) | MS.MS_BIND | MS.MS_REMOUNT | MS.MS_RDONLY;
      await mount('none', at, { flags });
    }
  }
}

/** A look costs milliseconds when there are a thousand mounts; while they come by the hundred, few looks are enough. */
const STORM_MS = 20;

/** The table of the time of the first subscription is where it starts from; one socket serves all subscribers. */
const changesIn = (table: MountTable): Observable<readonly string[]> =>
  defer(() => {
    let known = table.read();
    return changesOf('/proc/self/mountinfo').pipe(
      throttleTime(STORM_MS, undefined, { leading: true, trailing: true }),
      map(() => {
        const before = known;
        known = table.read();
        return changedTargets(before, known);
      }),
      filter((targets) => targets.length > 0),
    );
  }).pipe(share());
