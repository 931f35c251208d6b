/**
 * Takes away by force what a device has left on the machine, for when its daemon could not do it.
 *
 * In: the one directory under which the device has everything. Out: nothing of it is left, or an error that says
 * what is. Must never touch a process, mount or file that does not belong to that directory.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupRootOf } from '../../resources/lxc/lxc-place.ts';
import {
  CGROUPS,
  cgroupsNamed,
  childrenOf,
  markedLoopDevices,
  markedMounts,
  markedProcesses,
  markedSwaps,
  processesIn,
  tracesOf,
} from '../traces.ts';

/** For a signal to be followed. */
const GRACE_MS = 3_000;
/** For the kernel to free what nobody uses any more: loop devices with autoclear, cgroups of processes that just ended. */
const SETTLE_MS = 20_000;

async function emptied(left: () => readonly unknown[], limitMs: number): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (left().length > 0 && performance.now() < giveUpAt) await sleep(50);
}

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
    await emptied(left, GRACE_MS);
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
export const cgroupOf = (directory: string): string => cgroupRootOf(lxcPathOf(directory));

/** @returns whether it is gone. A process that is ending, or LXC removing the same directory, makes it fail for a moment. */
function removeCgroup(cgroup: string): boolean {
  try {
    for (const child of childrenOf(cgroup)) removeCgroup(child);
    rmdirSync(join(CGROUPS, cgroup));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EBUSY' || error.code === 'ENOENT')))
      throw error;
  }
  return !existsSync(join(CGROUPS, cgroup));
}

async function removeCgroups(directory: string): Promise<void> {
  const own = (): readonly string[] => cgroupsNamed([cgroupOf(directory)]);
  for (const pid of own().flatMap(processesIn)) signal(pid, 'SIGKILL');
  await emptied(() => own().filter((cgroup) => !removeCgroup(cgroup)), SETTLE_MS);
}

/** Autoclear frees them a moment after the unmount, and later when another program has the device open just then. */
async function detachLoops(directory: string): Promise<void> {
  const left = (): readonly string[] => markedLoopDevices([`${directory}/`]);
  await emptied(left, GRACE_MS);
  // One that was freed since it was listed answers ENXIO; the check at the end decides.
  for (const device of left()) spawnSync('losetup', ['-d', device], { stdio: 'ignore' });
  await emptied(left, SETTLE_MS);
}

/** What there is of the device now, as sentences. */
export const leftovers = (directory: string): readonly string[] => tracesOf([`${directory}/`], [cgroupOf(directory)]);

/** Waits until nothing is left, but not for ever. @returns what is left. */
export async function leftoversAfterSettling(look: () => readonly string[]): Promise<readonly string[]> {
  await emptied(look, SETTLE_MS);
  return look();
}

/** @throws Error naming what is still there. */
export async function sweep(directory: string): Promise<void> {
  await endProcesses(directory);
  // Payloads whose monitor is gone carry no mark.
  await removeCgroups(directory);
  for (const swap of markedSwaps([`${directory}/`])) execFileSync('swapoff', [swap]);
  unmountAll(directory);
  await detachLoops(directory);
  // LXC's own bookkeeping of an lxcpath; on a tmpfs, but a machine that shows many demos would fill it.
  for (const place of ['/run/lxc', '/run/lxc/lock']) rmSync(join(place, directory), { recursive: true, force: true });
  removeDirectory(directory);
  const left = await leftoversAfterSettling(() => leftovers(directory));
  if (left.length > 0) throw new Error(`still there:\n  ${left.join('\n  ')}`);
}

/** @throws Error when something is still mounted in it: removing would delete what is behind the mount. */
export function removeDirectory(directory: string): void {
  const mounts = markedMounts([`${directory}/`]).filter((target) => target.startsWith(`${directory}/`));
  if (mounts.length > 0) throw new Error(`${directory} stays, something is mounted there: ${mounts.join(', ')}`);
  if (existsSync(directory)) rmSync(directory, { recursive: true });
}
