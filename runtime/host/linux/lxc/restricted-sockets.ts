/** Sockets for containers without the role mgmt: the same ones, linked into the only directory they see. */
import { link, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { restrictedDirectory } from '../../../../resources/lxc/lxc-place.ts';
import type { Paths } from '../../../../resources/paths.ts';
import { hasCode } from '../files/file-errors.ts';
import { MESSAGE_SOCKET } from '../logs/log-intake.ts';

const SOCKETS = ['pv-ctrl', MESSAGE_SOCKET];

/** To be called whenever the sockets were made anew: a link stays with the socket it was made for. */
export const linkSockets = async (paths: Paths): Promise<void> => {
  const directory = restrictedDirectory(paths);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  for (const socket of SOCKETS) {
    const fresh = `${directory}/.${socket}.new`;
    // Containers may have written here: whatever is in the way goes.
    await rm(fresh, { force: true, recursive: true });
    if ((await lstat(`${directory}/${socket}`).catch(absent))?.isDirectory())
      await rm(`${directory}/${socket}`, { recursive: true });
    if (!(await linked(`${paths.run}/${socket}`, fresh))) continue;
    await rename(fresh, `${directory}/${socket}`);
  }
};

/** False: there is no such socket, because it could not be had. */
const linked = async (path: string, as: string): Promise<boolean> => {
  try {
    await link(path, as);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
};

const absent = (error: unknown): undefined => {
  if (!hasCode(error, 'ENOENT')) throw error;
};
