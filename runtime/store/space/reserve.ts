/**
 * The emergency reserve: a file whose only use is that it can be deleted.
 *
 * A disk that is 100 % full (a container's data, somebody's copy) must not keep the daemon from writing what a few
 * bytes are enough for: progress, boot variables, why a revision failed, a container's configuration. The first write
 * that finds no room deletes the file and is done again; the file is made anew when there is plenty of room.
 * Objects are never written into it.
 */
import { DeviceError, type Disks, type Files } from '../../host/host.ts';

export interface Reserve {
  /** Files whose small writes may use the reserve. */
  readonly files: Files;
  /** Makes the file if it is missing and the disk has room. Not having it is no error. */
  restore(): Promise<void>;
}

export interface ReserveOptions {
  readonly files: Files;
  readonly disks: Disks;
  readonly directory: string;
  /** It was used: somebody should make room. */
  readonly onRelease?: () => void;
}

const NAME = '.reserve';
const SMALLEST_BYTES = 256 * 1024;
const LARGEST_BYTES = 4 * 1024 * 1024;
/** Of the disk, in between. */
const SHARE = 1 / 256;
/** The file may not be what fills the disk. */
const ROOM_FACTOR = 4;

const NO_ROOM: readonly string[] = ['ENOSPC', 'EDQUOT'];

export const reserveSize = (totalBytes: number): number =>
  Math.min(LARGEST_BYTES, Math.max(SMALLEST_BYTES, Math.floor(totalBytes * SHARE)));

export const openReserve = ({ files, disks, directory, onRelease }: ReserveOptions): Reserve => {
  const path = `${directory}/${NAME}`;

  const release = async (): Promise<boolean> => {
    if ((await files.stat(path)) === undefined) return false;
    await files.remove(path);
    onRelease?.();
    return true;
  };

  const withReserve = async <T>(write: () => Promise<T>): Promise<T> => {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof DeviceError) || !NO_ROOM.includes(error.code)) throw error;
      await release();
      return await write(); // also when somebody else released it meanwhile
    }
  };

  return {
    restore: async () => {
      const { totalBytes, freeBytes } = await files.space(directory);
      const size = reserveSize(totalBytes);
      const stat = await files.stat(path);
      if (stat?.type === 'file' && stat.sizeBytes === size) return;
      if (freeBytes < size * ROOM_FACTOR) return;
      await files.remove(path);
      await disks.allocate(path, size);
    },
    files: {
      ...files,
      write: (...call) => withReserve(() => files.write(...call)),
      append: (...call) => withReserve(() => files.append(...call)),
      makeDirectory: (...call) => withReserve(() => files.makeDirectory(...call)),
      rename: (...call) => withReserve(() => files.rename(...call)),
      link: (...call) => withReserve(() => files.link(...call)),
      symlink: (...call) => withReserve(() => files.symlink(...call)),
    },
  };
};
