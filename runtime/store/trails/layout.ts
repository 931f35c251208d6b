/** The directories of a storage and the empty factory revision of a new one. */
import { randomUUID } from 'node:crypto';
import type { Paths } from '../../../resources/paths.ts';
import { MESSAGE, progressOf } from '../../../resources/progress.ts';
import { readSideFile } from '../../host/damage.ts';
import { DeviceError, type Files } from '../../host/host.ts';
import type { Bootloader } from '../boot/bootloader.ts';
import type { Records } from './trail-records.ts';

export const EMPTY_STATE = '{"#spec":"pantavisor-service-system@1"}';

/** Beginnings of objects, made when there are some; see partial-uploads.ts. */
export const uploadsIn = ({ storage }: Pick<Paths, 'storage'>): string => `${storage}/uploads`;

/** The mode is for directories that are created; existing ones keep theirs. */
const DIRECTORIES: readonly (readonly [name: string, mode: number])[] = [
  ['objects', 0o755],
  ['trails', 0o755],
  ['boot', 0o755],
  ['disks/perm', 0o755],
  ['disks/rev', 0o755],
  ['pv/volume-disk', 0o755],
  // Metadata, credentials and logs of all containers: root's alone.
  ['cache', 0o700],
  ['config', 0o700],
  ['logs', 0o700],
];

export const makeLayout = async (files: Files, paths: Paths): Promise<void> => {
  for (const [name, mode] of DIRECTORIES) await files.makeDirectory(`${paths.storage}/${name}`, mode);
  await files.makeDirectory(paths.logs, 0o700);
  const marker = `${paths.storage}/.pvmounted`;
  if ((await files.stat(marker)) === undefined) await files.write(marker, '', 0o644);
};

const MAX_IDENTITY_BYTES = 64;

/** What tells these trails from those of another storage; made once. undefined: the device takes nothing. */
export const identityOf = async (
  files: Files,
  paths: Paths,
  onProblem: (subject: string, message: string) => void,
): Promise<string | undefined> => {
  const path = `${paths.storage}/trails/.id`;
  try {
    const known = (await readSideFile(files, path, MAX_IDENTITY_BYTES, onProblem))?.toString();
    if (known !== undefined && known !== '') return known;
    const made = randomUUID();
    await files.write(path, made, 0o644);
    return made;
  } catch (error) {
    if (error instanceof DeviceError) return undefined; // a storage that is read-only runs what it has
    throw error;
  }
};

export const makeTrail = async (files: Files, paths: Paths, trail: string): Promise<void> => {
  await files.makeDirectory(`${trail}/.pvr`, 0o775);
  await files.makeDirectory(`${trail}/.pv`, 0o755);
  const config = `${trail}/.pvr/config`;
  if ((await files.stat(config)) !== undefined) return;
  await files.write(config, JSON.stringify({ ObjectsDir: `${paths.storage}/objects` }), 0o644);
};

/**
 * A storage without boot variables boots revision `0`. The document comes last of its trail, the variables last of all:
 * each says that what was before it is whole.
 */
export const makeFactory = async (
  files: Files,
  paths: Paths,
  records: Records,
  bootloader: Bootloader,
): Promise<void> => {
  if ((await bootloader.read())?.pv_rev !== undefined) return;
  const trail = `${paths.storage}/trails/0`;
  if ((await files.stat(`${trail}/.pvr/json`)) === undefined) {
    await makeTrail(files, paths, trail);
    await records.setProgress(trail, progressOf('DONE', MESSAGE.factory));
    await records.setDone(trail, true);
    await files.write(`${trail}/.pvr/json`, EMPTY_STATE, 0o644);
  }
  await bootloader.write({ pv_rev: '0' });
};
