/** Mount entries of LXC files, which have the fields of fstab(5): source, target, type, options. */
import type { Paths } from '../paths.ts';
import { type Line, setting } from './lxc-line.ts';

/** fstab(5) fields are separated by blanks; LXC reads them with getmntent(3). */
const field = (path: string): string =>
  path.replace(/[\s\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
const path = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

export const mountEntry = (source: string, target: string, options: string): Line =>
  setting('lxc.mount.entry', `${field(source)} ${target} none ${options} 0 0`);

type Directories = Pick<Paths, 'volumes' | 'storage'>;

/** Paths written for a device, with volumes below /volumes and the storage at /storage, as they are called here. */
export const relocate = (text: string, { volumes, storage }: Directories): string =>
  text
    .split(/([:=,])/)
    .map((part) =>
      part.replace(/^\/(volumes(?=\/)|storage(?=\/|$))/, (_, name: string) => (name === 'volumes' ? volumes : storage)),
    )
    .join('');

/** Pantavisor's LXC makes the source; here the daemon does, and LXC does not know the option. */
const ORIGIN = 'origin=mkdir';
const withoutOrigin = (options: string): string =>
  options
    .split(',')
    .filter((option) => option !== ORIGIN)
    .join(',') || 'defaults';

const FIELD = { source: 0, target: 1, options: 3 } as const;

/** The target is a path in the container. */
export const alterMount = (value: string, paths: Directories): string => {
  const here = { volumes: field(paths.volumes), storage: field(paths.storage) };
  let at = -1;
  return value.replace(/\S+/g, (part) => {
    at += 1;
    if (at === FIELD.target) return part;
    return relocate(at === FIELD.options ? withoutOrigin(part) : part, here);
  });
};

/**
 * Directories of the host that Pantavisor's LXC makes when they are missing: upper and work directories of overlays, and
 * sources with `origin=mkdir`. Only absolute ones without `..`.
 */
export const mountDirectories = (value: string, paths: Directories): readonly string[] => {
  const fields = value.trim().split(/\s+/);
  const options = (fields[FIELD.options] ?? '').split(',');
  const overlay = options.flatMap((option) => /^(?:upperdir|workdir)=(.+)$/.exec(option)?.[1] ?? []);
  const source = options.includes(ORIGIN) ? [fields[FIELD.source] ?? ''] : [];
  return [...source, ...overlay]
    .map((directory) => relocate(path(directory), paths))
    .filter((directory) => directory.startsWith('/') && !directory.split('/').includes('..'));
};
