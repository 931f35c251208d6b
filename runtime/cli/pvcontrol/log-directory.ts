/** Where the logs of this device are: with the daemon, without it, and as a container sees them. */
import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ask, ClientError, findSocket } from './client.ts';

/** Of a container, of an appengine, of a device. */
const USUAL = ['/pantavisor/logs', '/var/lib/pantavisor/logs', '/storage/logs'];
const DEEPEST = 16;

interface ConfigItem {
  readonly key: string;
  readonly value: string;
}

/** As the daemon has it; undefined: nobody answers, or it means a place that is not here. */
const askedDirectory = async (socket: string | undefined, env: NodeJS.ProcessEnv): Promise<string | undefined> => {
  try {
    const { status, body } = await ask(await findSocket(socket, env), { method: 'GET', path: '/config2' });
    if (status !== 200) return undefined;
    // Our own daemon's answer, over a socket that only root can offer.
    return (JSON.parse(body) as readonly ConfigItem[]).find(({ key }) => key === 'PV_LOG_DIR')?.value;
  } catch (error) {
    if (error instanceof ClientError || error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** @throws ClientError naming every place that was looked at. */
export const findLogDirectory = async (
  given: string | undefined,
  socket: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string> => {
  if (given !== undefined) {
    if (isDirectory(given)) return given;
    throw new ClientError(`${given}: expected the directory of logs, but there is none`);
  }
  const named = [env['PV_LOG_DIR'], env['PV_STORAGE_MNTPOINT'] && `${env['PV_STORAGE_MNTPOINT']}/logs`];
  const places = [...named, await askedDirectory(socket, env), ...USUAL].filter((place) => place !== undefined);
  const found = places.find((place) => place !== '' && isDirectory(place));
  if (found !== undefined) return found;
  throw new ClientError(`no logs in ${[...new Set(places)].join(', ')}: name their directory with --dir DIRECTORY`);
};

/** A revision's logs. A container without the role mgmt sees its own, and no others. */
export interface LogTree {
  readonly directory: string;
  /** undefined: of the one container that sees them. */
  readonly revision: string | undefined;
}

/** @throws ClientError */
export const treeOf = (directory: string, revision: string | undefined): LogTree => {
  if (revision !== undefined) {
    const path = join(directory, revision);
    if (!/(^|\/)\.\.(\/|$)/.test(revision) && isDirectory(path)) return { directory: path, revision };
    throw new ClientError(`there are no logs of revision ${revision} in ${directory}`);
  }
  const current = join(directory, 'current');
  // Not existsSync: the revision it names may have no logs yet.
  if (lstatSync(current, { throwIfNoEntry: false }) === undefined) return { directory, revision: undefined };
  const target = readlinkSync(current);
  return { directory: join(directory, target), revision: target };
};

export interface LogFile {
  readonly path: string;
  /** `pantavisor`, or empty when there is only one. */
  readonly container: string;
  /** Below the container: `lxc/console.log`. */
  readonly source: string;
}

const isLive = (name: string): boolean => !name.startsWith('.') && !/\.\d+\.gz$/.test(name);

/** @returns every directory, too, for whoever watches them. */
export const filesOf = (
  tree: LogTree,
): { readonly files: readonly LogFile[]; readonly directories: readonly string[] } => {
  const files: LogFile[] = [];
  const directories: string[] = [];
  const visit = (directory: string, depth: number): void => {
    directories.push(directory);
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && depth < DEEPEST && !entry.name.startsWith('.')) visit(path, depth + 1);
      else if (entry.isFile() && isLive(entry.name)) files.push({ path, ...namesOf(tree, path) });
    }
  };
  if (isDirectory(tree.directory)) visit(tree.directory, 0);
  else directories.push(existingParentOf(tree.directory)); // it appears there
  files.sort((left, right) => (left.path < right.path ? -1 : 1));
  return { files, directories };
};

const existingParentOf = (path: string): string => {
  const parent = dirname(path);
  return isDirectory(parent) || parent === path ? parent : existingParentOf(parent);
};

const namesOf = ({ directory, revision }: LogTree, path: string): Pick<LogFile, 'container' | 'source'> => {
  const [first = '', ...rest] = relative(directory, path).split('/');
  if (revision === undefined || rest.length === 0) return { container: '', source: [first, ...rest].join('/') };
  return { container: first, source: rest.join('/') };
};

/** `console.log` and `lxc/console.log` name the same; `/var/log/messages` is as the container calls it. */
const isNamed = (source: string, wanted: string): boolean => {
  const name = wanted.replace(/^\/+/, '');
  return source === name || source.endsWith(`/${name}`);
};

export interface Choice {
  readonly container?: string;
  readonly sources: readonly string[];
}

export const isChosen = ({ container, source }: LogFile, choice: Choice): boolean =>
  (choice.container === undefined || container === '' || container === choice.container) &&
  (choice.sources.length === 0 || choice.sources.some((wanted) => isNamed(source, wanted)));
