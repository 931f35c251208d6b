/**
 * Takes away by force what a device has left on the machine, for when its daemon could not do it.
 *
 * In: the one directory under which the device has everything. Out: nothing of it is left, or an error that says
 * what is. Must never touch a process, mount or file that does not belong to that directory.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lxcCgroups, markedLoopDevices, markedMounts, markedProcesses, tracesOf } from '../traces.ts';

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

function removeCgroups(before: readonly string[]): void {
  for (const cgroup of lxcCgroups().filter((path) => !before.includes(path))) {
    try {
      rmdirSync(join('/sys/fs/cgroup', cgroup));
    } catch {
      // Not empty: somebody else's, or a process that is still ending. Reported by the caller's check.
    }
  }
}

/** @throws Error naming what is still there. `cgroupsBefore`: what `lxcCgroups` said before the device started. */
export async function sweep(directory: string, cgroupsBefore: readonly string[]): Promise<void> {
  await endProcesses(directory);
  unmountAll(directory);
  for (const device of markedLoopDevices([`${directory}/`])) execFileSync('losetup', ['-d', device]);
  removeCgroups(cgroupsBefore);
  // LXC's own bookkeeping of an lxcpath; on a tmpfs, but a machine that shows many demos would fill it.
  for (const place of ['/run/lxc', '/run/lxc/lock']) rmSync(join(place, directory), { recursive: true, force: true });
  removeDirectory(directory);
  const left = tracesOf([`${directory}/`], cgroupsBefore);
  if (left.length > 0) throw new Error(`still there:\n  ${left.join('\n  ')}`);
}

/** @throws Error when something is still mounted in it: removing would delete what is behind the mount. */
export function removeDirectory(directory: string): void {
  const mounts = markedMounts([`${directory}/`]).filter((target) => target.startsWith(`${directory}/`));
  if (mounts.length > 0) throw new Error(`${directory} stays, something is mounted there: ${mounts.join(', ')}`);
  if (existsSync(directory)) rmSync(directory, { recursive: true });
}
