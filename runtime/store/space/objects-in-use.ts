/**
 * What the device runs on right now, as text: what is mounted from where, and what the configurations of containers
 * name. An unchanged container keeps the directories of the revision that it was started with, and
 * which that is nobody else remembers.
 */
import type { Paths } from '../../../resources/paths.ts';
import type { Files, Mounts } from '../../host/host.ts';

/** Whether anything is used at or below this path. */
export type Uses = (path: string) => boolean;

export const NOTHING_USED: Uses = () => false;

const MAX_CONFIG_BYTES = 1024 * 1024;

/** @throws DeviceError: who cannot be looked at may use anything. */
export const usesOf = async (
  { files, mounts }: { readonly files: Files; readonly mounts: Mounts },
  paths: Paths,
): Promise<Uses> => {
  const texts: string[] = [];
  for (const directory of [paths.volumes, paths.media, paths.storage]) {
    for (const target of await mounts.below(directory)) {
      texts.push(target, ...((await mounts.at(target))?.sources ?? []));
    }
  }
  for (const name of (await files.list(paths.lxc)) ?? []) {
    const config = await files.read(`${paths.lxc}/${name}/config`, MAX_CONFIG_BYTES);
    if (config !== undefined) texts.push(config.toString('latin1'));
  }
  const text = `${texts.join('\n')}\n`;
  return (path) => {
    for (let at = text.indexOf(path); at !== -1; at = text.indexOf(path, at + 1))
      // Not a longer name that begins alike.
      if (/[^\w.+-]/.test(text[at + path.length] ?? '\n')) return true;
    return false;
  };
};
