/**
 * Files of the daemon's own directories that put right what is in the way of a write: a directory, FIFO or device where
 * a file belongs, a file where a directory belongs. It is moved aside as `.damaged-<name>` and reported; nothing is
 * deleted. Symlinks are left alone: they belong to the administrator, and the refusal names them.
 */
import type { Paths } from '../../resources/paths.ts';
import { DeviceError, type Files, type Host } from './host.ts';

export interface MendingOptions {
  /** Only what lies below one of these is moved. */
  readonly directories: readonly string[];
  /** Never touched, though it lies below: what containers write is theirs. */
  readonly except: readonly string[];
  readonly onProblem: (subject: string, message: string) => void;
}

/** What rename(2), open(2) and mkdir(2) say when something of another kind is in the way. */
const IN_THE_WAY = ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY', 'EINVAL', 'ENXIO'];
const MOST_NAMES = 9;

export const mendingFiles = (files: Files, { directories, except, onProblem }: MendingOptions): Files => {
  const isOurs = (path: string): boolean => isBelowAny(path, directories) && !isBelowAny(path, except);

  const freeName = async (path: string): Promise<string | undefined> => {
    const at = path.lastIndexOf('/') + 1;
    for (let number = 1; number <= MOST_NAMES; number += 1) {
      const name = `${path.slice(0, at)}.damaged-${path.slice(at)}${number === 1 ? '' : `-${number}`}`;
      if ((await files.stat(name)) === undefined) return name;
    }
    return undefined;
  };

  /** False: there was nothing to move, or it may not be moved. */
  const moveAside = async (path: string, expected: 'file' | 'directory'): Promise<boolean> => {
    const type = (await files.stat(path))?.type;
    if (!isOurs(path) || type === undefined || type === expected || type === 'symlink') return false;
    const name = await freeName(path);
    if (name === undefined) return false;
    await files.rename(path, name);
    onProblem(path, `expected a ${expected}, but it is ${NAMES[type]}; moved to ${name}`);
    return true;
  };

  /** The first parent that is no directory. */
  const moveParentAside = async (path: string): Promise<boolean> => {
    const parts = path.split('/');
    for (let length = 2; length <= parts.length; length += 1)
      if (await moveAside(parts.slice(0, length).join('/'), 'directory')) return true;
    return false;
  };

  const mending = async <T>(path: string, makesRoom: () => Promise<boolean>, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeviceError) || !IN_THE_WAY.includes(error.code) || !isOurs(path)) throw error;
      if (!(await makesRoom())) throw error;
      return await work();
    }
  };
  const asFile = <T>(path: string, work: () => Promise<T>): Promise<T> =>
    mending(path, () => moveAside(path, 'file'), work);

  return {
    ...files,
    write: (path, content, mode) => asFile(path, () => files.write(path, content, mode)),
    append: (path, content, mode) => asFile(path, () => files.append(path, content, mode)),
    link: (existing, path) => asFile(path, () => files.link(existing, path)),
    symlink: (target, path) => asFile(path, () => files.symlink(target, path)),
    makeDirectory: (path, mode) =>
      mending(
        path,
        () => moveParentAside(path),
        () => files.makeDirectory(path, mode),
      ),
  };
};

const NAMES = { file: 'a file', directory: 'a directory', symlink: 'a symlink', other: 'a FIFO or device' } as const;

const isBelowAny = (path: string, directories: readonly string[]): boolean =>
  directories.some((directory) => path === directory || path.startsWith(`${directory}/`));

/** The daemon's own directories are mended; what containers and users put on the device is left alone. */
export const mendedHost = <H extends Pick<Host, 'files'>>(
  host: H,
  paths: Paths,
  onProblem: MendingOptions['onProblem'],
): H => ({
  ...host,
  files: mendingFiles(host.files, {
    directories: [paths.storage, paths.run, paths.logs],
    except: [`${paths.storage}/disks`, paths.volumes, paths.media],
    onProblem,
  }),
});
