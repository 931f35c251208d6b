/**
 * Takes away by force what a device has left on the machine, for when its daemon could not do it.
 *
 * In: the one directory under which the device has everything. Out: nothing of it is left, or an error that says
 * what is. Must never touch a process, mount or file that does not belong to that directory.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupRootOf } from '../../resources/lxc/lxc-place.ts';
import {
  CGROUPS,
  childrenOf,
  deviceCgroups,
  markedLoopDevices,
  markedMounts,
  markedProcesses,
  markedSwaps,
  processesIn,
  tracesOf,
} from '../traces.ts';

const GRACE_MS = 3_000;

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function endProcesses(directory: string): Promise<void> {
  const left = (): readonly number[] => markedProcesses([`${directory}/`]);
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    for (const pid of left()) signal(pid, name);
    const giveUpAt = performance.now() + GRACE_MS;
    while (left().length > 0 && performance.now() < giveUpAt) await sleep(50);
  }
}

/** Innermost first. Lazily as the last resort: a mount that stays would be emptied by the removal of the directory. */
function unmountAll(directory: string): void {
  for (const lazily of [[], ['-l']]) {
    for (const target of markedMounts([`${directory}/`]).toReversed()) {
      if (!target.startsWith(`${directory}/`)) continue;
      try {
        execFileSync('umount', [...lazily, target], { stdio: 'ignore' });
      } catch {
        // Busy: the lazy round follows, and the check after it decides.
      }
    }
  }
}

/** Where a daemon whose run directory is `run` has LXC's containers (runtime/config/directories.ts). */
const lxcPathOf = (directory: string): string => join(directory, 'run/lxc');

/** The daemon's own cgroup is named after its lxcpath (resources/lxc/lxc-place.ts), so all in it is the device's. */
const ownCgroups = (lxcPath: string): readonly string[] =>
  deviceCgroups().filter((cgroup) => basename(cgroup) === cgroupRootOf(lxcPath));

function removeCgroup(cgroup: string): void {
  for (const child of childrenOf(cgroup)) removeCgroup(child);
  rmdirSync(join(CGROUPS, cgroup));
}

async function removeCgroups(lxcPath: string): Promise<void> {
  const left = (): readonly number[] => ownCgroups(lxcPath).flatMap(processesIn);
  for (const pid of left()) signal(pid, 'SIGKILL');
  const giveUpAt = performance.now() + GRACE_MS;
  while (left().length > 0 && performance.now() < giveUpAt) await sleep(50);
  for (const cgroup of ownCgroups(lxcPath)) removeCgroup(cgroup);
}

/** What there is of the device now, as sentences. Several demos may run: cgroups are told apart by their exact name. */
export const leftovers = (directory: string): readonly string[] => [
  ...tracesOf([`${directory}/`], deviceCgroups()),
  ...ownCgroups(lxcPathOf(directory)).map((cgroup) => `cgroup ${cgroup}`),
];

/** @throws Error naming what is still there. */
export async function sweep(directory: string): Promise<void> {
  await endProcesses(directory);
  // Payloads whose monitor is gone carry no mark.
  await removeCgroups(lxcPathOf(directory));
  for (const swap of markedSwaps([`${directory}/`])) execFileSync('swapoff', [swap]);
  unmountAll(directory);
  for (const device of markedLoopDevices([`${directory}/`])) execFileSync('losetup', ['-d', device]);
  // LXC's own bookkeeping of an lxcpath; on a tmpfs, but a machine that shows many demos would fill it.
  for (const place of ['/run/lxc', '/run/lxc/lock']) rmSync(join(place, directory), { recursive: true, force: true });
  removeDirectory(directory);
  const left = leftovers(directory);
  if (left.length > 0) throw new Error(`still there:\n  ${left.join('\n  ')}`);
}

/** @throws Error when something is still mounted in it: removing would delete what is behind the mount. */
export function removeDirectory(directory: string): void {
  const mounts = markedMounts([`${directory}/`]).filter((target) => target.startsWith(`${directory}/`));
  if (mounts.length > 0) throw new Error(`${directory} stays, something is mounted there: ${mounts.join(', ')}`);
  if (existsSync(directory)) rmSync(directory, { recursive: true });
}
