/** The kernel's tables name everything by its real path; a configured path may lead through symlinks (/var/run). */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Paths } from '../../../../resources/paths.ts';
import { attempt, attemptUnlessAbsent } from './file-errors.ts';

/** Resolves as much of the path as exists; the rest is going to be made by us, without symlinks. */
export const realPath = async (path: string): Promise<string> => {
  const real = await attemptUnlessAbsent('realpath', path, () => realpath(path));
  if (real !== undefined || dirname(path) === path) return real ?? path;
  return join(await realPath(dirname(path)), basename(path));
};

export const realPaths = (paths: Paths): Promise<Paths> =>
  attempt('realpath', 'the configured directories', async () => ({
    storage: await realPath(paths.storage),
    run: await realPath(paths.run),
    logs: await realPath(paths.logs),
    volumes: await realPath(paths.volumes),
    config: await realPath(paths.config),
    media: await realPath(paths.media),
    // By its name: which directory that is may change while the daemon runs.
    watch: resolve(paths.watch),
    lxc: await realPath(paths.lxc),
  }));
