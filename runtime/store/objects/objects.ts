/**
 * The object store `objects/<sha256>`: content-addressed, written whole or not at all, checked when it is used.
 * Anything in the directory whose name starts with a dot is ours: uploads of older daemons and quarantined content.
 * What somebody still needs is held, so that the garbage collector leaves it alone.
 */
import { DeviceError, type FileStat, type Files } from '../../host/host.ts';
import { atOnce } from '../at-once.ts';
import { Rejection } from '../rejection.ts';
import { isObjectId } from '../trails/revision.ts';
import { sha256OfStream } from './hash.ts';
import type { Verified } from './verified-files.ts';

export const QUARANTINE = '.corrupt-';
const STAT_BATCH = 32;

export type ObjectState = 'sound' | 'missing' | 'corrupt';

/** Objects that must stay though no revision names them yet. */
export interface Hold {
  add(ids: Iterable<string>): void;
  release(): void;
}

export interface Objects {
  /** Those that are not stored, each once, in the given order. */
  missing(ids: Iterable<string>): Promise<readonly string[]>;
  /**
   * Stores `content`, which must have the sha256 `id`; content that is stored already is only compared.
   * @throws Rejection when it is something else or larger than `maxBytes`; nothing is left behind then.
   */
  put(id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void>;
  /**
   * Hashes one object, unless that was done since the boot and it is unchanged. A corrupt one is reported and moved to
   * `.corrupt-<id>`, unless something runs on it; it counts as missing then.
   */
  verify(id: string): Promise<ObjectState>;
  /** Takes a file of the same file system as the object, if it is that. False: it is not, or the object is in use. */
  adopt(id: string, path: string): Promise<boolean>;
  /** Renames a file of the same file system, whose content has that sha256: its writer has computed it. */
  take(id: string, path: string): Promise<void>;
  hold(): Hold;
  isHeld(id: string): boolean;
  /** A hold that `named` adds to, whoever calls it, until it is released. */
  guard(): Pick<Hold, 'release'>;
  /** A revision names these from now on. */
  named(ids: Iterable<string>): void;
  /** Removes an object, unless it is held. @returns whether it was removed. */
  collect(id: string): Promise<boolean>;
  /** `work` changes the number of links of these (default: all), and nothing else: what was verified stays so. */
  linking<T>(work: () => Promise<T>, ids?: Iterable<string>): Promise<T>;
  /** Removes what uploads left that a crash or power cut ended. Only while nothing is being uploaded. */
  sweep(): Promise<void>;
}

export interface ObjectsOptions {
  readonly files: Files;
  readonly directory: string;
  readonly verified: Verified;
  /** Something is mounted from it: moving it would pull it from under a container. */
  readonly isUsed: (id: string) => Promise<boolean>;
  readonly onProblem: (subject: string, message: string) => void;
}

/** The medium, not the daemon's situation, keeps content from being read. */
const UNREADABLE: readonly string[] = ['EIO', 'EUCLEAN', 'EBADMSG', 'ENODATA'];

const tooBig = (id: string, maxBytes: number, cause?: unknown): Rejection =>
  new Rejection(`object ${id}: expected at most ${maxBytes} bytes, but it has more`, { cause });

const mismatch = (id: string, actual: string): Rejection =>
  new Rejection(`object ${id}: expected content with that sha256, but its sha256 is ${actual}`);

/** But for its ctime, which a link changes as well. */
const isSameContent = (a: FileStat, b: FileStat): boolean =>
  a.device === b.device && a.inode === b.inode && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;

export const openObjects = (options: ObjectsOptions): Objects => {
  const { files, directory, verified, isUsed, onProblem } = options;
  const holds = new Set<Set<string>>();
  const removing = new Map<string, Promise<unknown>>();
  const pathOf = (id: string): string => `${directory}/${id}`;
  const isHeld = (id: string): boolean => [...holds].some((held) => held.has(id));

  const isStored = async (id: string): Promise<boolean> => {
    // It looks as if it were there, and is not a moment later.
    await removing.get(id)?.catch(() => undefined); // the collector has the error
    return isObjectId(id) && (await files.stat(pathOf(id)))?.type === 'file';
  };

  /** What a file holds, and undefined when it is `id`. Tried twice: an error of the bus is not one of the medium. */
  const faultIn = async (id: string, path: string, isSecond = false): Promise<string | undefined> => {
    try {
      const actual = await sha256OfStream(files.stream(path));
      return actual === id ? undefined : `its content has the sha256 ${actual}`;
    } catch (error) {
      if (!(error instanceof DeviceError) || !UNREADABLE.includes(error.code)) throw error;
      return isSecond ? `it cannot be read: ${error.message}` : faultIn(id, path, true);
    }
  };

  const verify = async (id: string): Promise<ObjectState> => {
    if (!(await isStored(id))) return 'missing';
    const before = await files.stat(pathOf(id));
    if (before === undefined) return 'missing';
    if (verified.isKnown(id, before)) return 'sound';
    const fault = await faultIn(id, pathOf(id));
    if (fault === undefined) {
      // Of before it was read: what is written to it meanwhile changes it.
      verified.note(id, before);
      return 'sound';
    }
    verified.forget(id);
    if (await isUsed(id)) {
      onProblem(`object/${id}`, `${fault}; a container runs on it, so it is left until the next boot`);
      return 'corrupt';
    }
    await files.rename(pathOf(id), `${directory}/${QUARANTINE}${id}`);
    onProblem(`object/${id}`, `${fault}; moved to objects/${QUARANTINE}${id}`);
    return 'corrupt';
  };

  const compare = async (id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void> => {
    const actual = await sha256OfStream(content, (total) => {
      if (total > maxBytes) throw tooBig(id, maxBytes);
    });
    if (actual !== id) throw mismatch(id, actual);
  };

  const upload = async (id: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void> => {
    const accept = ({ sha256 }: { readonly sha256: string }): void => {
      if (sha256 !== id) throw mismatch(id, sha256);
    };
    try {
      await files.writeStream(pathOf(id), content, { mode: 0o644, maxBytes, accept });
    } catch (error) {
      throw error instanceof DeviceError && error.code === 'EFBIG' ? tooBig(id, maxBytes, error) : error;
    }
    const written = await files.stat(pathOf(id));
    if (written !== undefined) verified.note(id, written);
  };

  const hold = (): Hold => {
    const held = new Set<string>();
    holds.add(held);
    return {
      add: (ids) => {
        for (const id of ids) held.add(id);
      },
      release: () => void holds.delete(held),
    };
  };

  const guards = new Set<Hold>();
  const guard = (): Pick<Hold, 'release'> => {
    const held = hold();
    guards.add(held);
    return {
      release: () => {
        guards.delete(held);
        held.release();
      },
    };
  };

  return {
    verify,
    hold,
    isHeld,
    guard,
    named: (ids) => {
      const all = [...ids];
      for (const held of guards) held.add(all);
    },
    missing: async (ids) => {
      const unique = [...new Set(ids)];
      const missing: string[] = [];
      for (let start = 0; start < unique.length; start += STAT_BATCH) {
        const batch = unique.slice(start, start + STAT_BATCH);
        const stored = await Promise.all(batch.map(isStored));
        missing.push(...batch.filter((_, index) => !stored[index]));
      }
      return missing;
    },
    put: async (id, content, maxBytes) => {
      if (!isObjectId(id)) throw new Rejection(`object ${id}: expected a name of 64 lower-case hex digits`);
      const held = hold();
      held.add([id]);
      try {
        if ((await verify(id)) === 'sound') await compare(id, content, maxBytes);
        else await upload(id, content, maxBytes);
      } finally {
        held.release();
      }
    },
    adopt: async (id, path) => {
      if ((await isUsed(id)) || (await faultIn(id, path)) !== undefined) return false;
      await files.link(path, pathOf(id));
      return (await verify(id)) === 'sound';
    },
    take: async (id, path) => {
      await removing.get(id)?.catch(() => undefined); // the collector has the error
      await files.rename(path, pathOf(id));
      const taken = await files.stat(pathOf(id));
      if (taken !== undefined) verified.note(id, taken);
    },
    collect: async (id) => {
      if (isHeld(id)) return false;
      // Known before it begins: who looks from now on waits for it.
      const removal = Promise.resolve().then(() => files.remove(pathOf(id)));
      removing.set(id, removal);
      try {
        await removal;
      } finally {
        removing.delete(id);
      }
      verified.forget(id);
      return true;
    },
    linking: async (work, ids = verified.ids()) => {
      const before = new Map<string, FileStat>();
      await atOnce(STAT_BATCH, [...ids], async (id) => {
        const stat = await files.stat(pathOf(id));
        if (stat !== undefined && verified.isKnown(id, stat)) before.set(id, stat);
      });
      const result = await work();
      await atOnce(STAT_BATCH, before, async ([id, earlier]) => {
        const stat = await files.stat(pathOf(id));
        if (stat !== undefined && isSameContent(earlier, stat)) verified.note(id, stat);
      });
      return result;
    },
    sweep: async () => {
      try {
        const names = (await files.list(directory)) ?? [];
        for (const name of names) {
          if (name.startsWith('.') && !name.startsWith(QUARANTINE)) await files.remove(`${directory}/${name}`);
        }
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        onProblem('objects', `what uploads left cannot be removed: ${error.message}`);
      }
    },
  };
};
