/** Sockets for containers without the role mgmt: the same ones, linked into the only directory they see. */
import { restrictedDirectory } from '../../resources/lxc-place.ts';
import type { Paths } from '../../resources/paths.ts';
import type { Files } from '../host/host.ts';

const SOCKETS = ['pv-ctrl'];

export const linkRestricted = async (files: Files, paths: Paths): Promise<void> => {
  await files.makeDirectory(restrictedDirectory(paths), 0o755);
  for (const socket of SOCKETS) await files.link(`${paths.run}/${socket}`, `${restrictedDirectory(paths)}/${socket}`);
};
