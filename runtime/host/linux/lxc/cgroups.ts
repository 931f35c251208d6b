/**
 * Cgroups of containers: in which hierarchies they are, what is left of them after a monitor was killed, and whether
 * they are frozen. Works on v1, hybrid and v2 alike, by what is mounted.
 *
 * Must never touch a cgroup outside the daemon's own root (resources/lxc/lxc-place.ts): what lies there was started by us.
 */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupLayout } from '../../../../resources/lxc/lxc-config.ts';
import { cgroupRootOf, monitorCgroup, payloadCgroup } from '../../../../resources/lxc/lxc-place.ts';
import { DeviceError } from '../../host.ts';
import { attempt, hasCode } from '../files/file-errors.ts';

export interface Hierarchy {
  readonly mountPoint: string;
  readonly unified: boolean;
  readonly controllers: readonly string[];
}

/** Every cgroup hierarchy mounted in our mount namespace. */
export const cgroupHierarchies = (): readonly Hierarchy[] =>
  readFileSync('/proc/self/mountinfo', 'utf8').split('\n').flatMap(hierarchyIn);

const hierarchyIn = (line: string): readonly Hierarchy[] => {
  const [before = '', after = ''] = line.split(' - ');
  const [type, , options = ''] = after.split(' ');
  const mountPoint = before.split(' ')[4] ?? '';
  if (type === 'cgroup2') return [{ mountPoint, unified: true, controllers: [] }];
  return type === 'cgroup' ? [{ mountPoint, unified: false, controllers: options.split(',') }] : [];
};

/** Which `lxc.cgroup` keys have an effect on this machine. */
export const cgroupLayout = (): CgroupLayout => {
  const hierarchies = cgroupHierarchies();
  if (!hierarchies.some(({ unified }) => unified)) return 'legacy';
  return hierarchies.every(({ unified }) => unified) ? 'unified' : 'hybrid';
};

/** Where the v2 hierarchy is mounted; undefined: nowhere. */
export const unifiedMountPoint = (): string | undefined =>
  cgroupHierarchies().find(({ unified }) => unified)?.mountPoint;

/** A cgroup that is gone, or goes while we look, has nothing in it. */
const unlessGone = async <T>(work: Promise<T>, nothing: T): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENODEV')) return nothing;
    throw error;
  }
};

const childrenOf = async (directory: string): Promise<readonly string[]> => {
  const entries = await unlessGone(readdir(directory, { withFileTypes: true }), []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => `${directory}/${entry.name}`);
};

/** Everything below it, too, whatever froze it; parents first, because a frozen parent keeps its children frozen. */
const thawTree = async (directory: string, file: string, state: string): Promise<void> => {
  await writeState(`${directory}/${file}`, state);
  for (const child of await childrenOf(directory)) await thawTree(child, file, state);
};

const killAll = async (directory: string): Promise<void> => {
  for (const child of await childrenOf(directory)) await killAll(child);
  const pids = await unlessGone(readFile(`${directory}/cgroup.procs`, 'utf8'), '');
  // 0 stands for a process outside our pid namespace; kill(0) would be ourselves.
  for (const pid of pids.split('\n').map(Number).filter(Boolean)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!hasCode(error, 'ESRCH')) throw error;
    }
  }
};

/** False: somebody is still in there. */
const removeTree = async (directory: string): Promise<boolean> => {
  if (await removeEmpty(directory)) return true;
  for (const child of await childrenOf(directory)) await removeTree(child);
  return removeEmpty(directory);
};

const removeEmpty = async (directory: string): Promise<boolean> => {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    if (hasCode(error, 'EBUSY', 'ENOTEMPTY')) return false;
    throw error;
  }
};

/** Killed processes leave their cgroup within milliseconds, unless they hang in the kernel or the machine is very busy. */
const REMOVAL_ATTEMPTS = 250;
const REMOVAL_PAUSE_MS = 20;

/** False: there are processes in it that do not end. */
const emptied = async (directory: string, betweenAttempts?: (directory: string) => Promise<void>): Promise<boolean> => {
  for (let attempts = 0; attempts < REMOVAL_ATTEMPTS; attempts += 1) {
    if (await removeTree(directory)) return true;
    await betweenAttempts?.(directory);
    await sleep(REMOVAL_PAUSE_MS);
  }
  return false;
};

const clear = async (directory: string): Promise<void> => {
  if (await emptied(directory, killAll)) return;
  throw new DeviceError('cgroup.remove', directory, 'EBUSY', 'processes in it survive SIGKILL');
};

export interface Cgroups {
  /** Kills what a dead monitor left behind and removes the container's cgroups. @throws DeviceError EBUSY */
  clear(name: string): Promise<void>;
  isFrozen(name: string): Promise<boolean>;
  /** The container, whatever froze it and in whichever hierarchy; what it froze itself in cgroups of its own stays frozen. */
  thaw(name: string): Promise<void>;
  /** As `thaw`, with everything below it: in a v1 hierarchy the frozen do not die. */
  thawTree(name: string): Promise<void>;
  /** Puts a process of ours out of reach of whatever ends the daemon's own cgroup (systemd). */
  shelter(pid: number): Promise<void>;
  /** File that changes when the container is frozen and thawed; undefined: v1 has none. */
  eventsFile(name: string): string | undefined;
  /** Removes the daemon's own root with all that is empty in it, or empties itself soon. */
  prune(): Promise<void>;
}

export const linuxCgroups = (lxcPath: string): Cgroups => {
  const hierarchies = cgroupHierarchies();
  const unified = hierarchies.find((hierarchy) => hierarchy.unified);
  const freezer = hierarchies.find(({ controllers }) => controllers.includes('freezer'));
  const payload = ({ mountPoint }: Hierarchy, name: string) => `${mountPoint}/${payloadCgroup(lxcPath, name)}`;
  const eventsFile = (name: string) => unified && `${payload(unified, name)}/cgroup.events`;
  const reads = async (file: string | undefined, pattern: RegExp): Promise<boolean> =>
    file !== undefined && pattern.test(await unlessGone(readFile(file, 'utf8'), ''));
  const thawAll = async (name: string): Promise<void> => {
    if (unified !== undefined) await thawTree(payload(unified, name), 'cgroup.freeze', '0');
    if (freezer !== undefined) await thawTree(payload(freezer, name), 'freezer.state', 'THAWED');
  };
  return {
    eventsFile,
    clear: (name) =>
      attempt('cgroup.remove', name, async () => {
        await thawAll(name);
        const own = hierarchies.flatMap((hierarchy) => [
          payload(hierarchy, name),
          `${hierarchy.mountPoint}/${monitorCgroup(lxcPath, name)}`,
        ]);
        await Promise.all(own.map(clear));
      }),
    isFrozen: async (name) =>
      (await reads(eventsFile(name), /^frozen 1$/m)) ||
      (await reads(freezer && `${payload(freezer, name)}/freezer.state`, /FROZEN|FREEZING/)),
    thaw: (name) =>
      attempt('cgroup.thaw', name, async () => {
        if (unified !== undefined) await writeState(`${payload(unified, name)}/cgroup.freeze`, '0');
        if (freezer !== undefined) await writeState(`${payload(freezer, name)}/freezer.state`, 'THAWED');
      }),
    thawTree: (name) => attempt('cgroup.thaw', name, () => thawAll(name)),
    shelter: (pid) => attempt('cgroup.shelter', `pid ${pid}`, () => shelter(hierarchies, lxcPath, pid)),
    prune: async () => {
      await Promise.all(hierarchies.map(({ mountPoint }) => emptied(`${mountPoint}/${cgroupRootOf(lxcPath)}`)));
    },
  };
};

const writeState = (file: string, state: string): Promise<void> =>
  unlessGone(writeFile(file, state, { flag: 'r+' }), undefined);

const shelter = async (hierarchies: readonly Hierarchy[], lxcPath: string, pid: number): Promise<void> => {
  // The hierarchies by which systemd knows what belongs to a service.
  const watched = hierarchies.filter(({ unified, controllers }) => unified || controllers.includes('name=systemd'));
  for (const { mountPoint } of watched) {
    const directory = `${mountPoint}/${cgroupRootOf(lxcPath)}/holder`;
    await mkdir(directory, { recursive: true });
    await writeFile(`${directory}/cgroup.procs`, String(pid));
  }
};
