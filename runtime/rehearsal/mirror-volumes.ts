/** The mounted volumes of another device on a simulated one. */

import type { VolumeStatus } from '../../resources/kinds/volume.ts';
import { type Ref, refOf } from '../../resources/ref.ts';
import { imageOf } from '../host/simulated/inode.ts';
import type { SimulatedHost } from '../host/simulated/simulated.ts';
import { type Present, statusesOf } from './present.ts';

/** @param identities where the identity of each tree on the simulated device is put */
export const mirrorVolumes = async (
  host: SimulatedHost,
  present: Present,
  identities: Map<Ref<'volume'>, string>,
): Promise<void> => {
  for (const [name, status] of statusesOf('volume', present)) {
    await mountAs(host, status);
    const mounted = await host.mounts.at(status.target);
    if (mounted !== undefined) identities.set(refOf('volume', name), mounted.identity);
  }
};

const mountAs = async (host: SimulatedHost, status: VolumeStatus): Promise<void> => {
  const { files, mounts, mischief } = host;
  const { target, sources, deleted } = status;
  // By any of its names a tree is the same; a tree that nobody can name any more gets one.
  const source = sources[0] ?? `/deleted${target}`;
  switch (status.type) {
    case 'tmpfs':
      await files.makeDirectory(target, 0o755);
      return mounts.mountTmpfs({ target });
    case 'bind':
      await bindAs(host, source, target);
      break;
    case 'image':
    case 'foreign':
      await files.makeDirectory(target, 0o755);
      if ((await files.stat(source)) === undefined) await makeImage(host, source, filesystemOf(target));
      await mounts.mountImage({ image: source, target, filesystem: filesystemOf(target), readOnly: true });
      if (status.type === 'foreign') mischief.detachLoop(target);
      break;
    default: {
      return status.type satisfies never;
    }
  }
  if (deleted) await files.remove(source);
};

/** A volume is named after its file, and that after its file system: `root.squashfs`. */
const filesystemOf = (target: string): string => target.slice(target.lastIndexOf('.') + 1);

const makeImage = async ({ files }: SimulatedHost, path: string, filesystem: string): Promise<void> => {
  await files.makeDirectory(parentOf(path), 0o755);
  await files.write(path, imageOf(filesystem, path), 0o644);
};

/** `.bind` is one file, everything else that is bound is a directory. */
const bindAs = async ({ files, mounts }: SimulatedHost, source: string, target: string): Promise<void> => {
  const isFile = target.endsWith('.bind');
  for (const path of [source, target]) {
    await files.makeDirectory(isFile ? parentOf(path) : path, 0o755);
    if (isFile && (await files.stat(path)) === undefined) await files.write(path, '', 0o644);
  }
  await mounts.bind({ source, target, recursive: target.endsWith('.data'), readOnly: false });
};

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
