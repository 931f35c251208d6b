/**
 * What a device leaves on a machine: mounts, loop devices, swap, processes, LXC cgroups. The demo and the system
 * tests compare it before and after.
 *
 * In: marks, strings that only paths or environments of this device contain. Out: one sentence per trace. It looks
 * and never touches; whoever asks decides. What cannot carry a mark (a cgroup's name) is ours when it is new and no
 * live monitor of somebody else's owns it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const CGROUPS = '/sys/fs/cgroup';
/** A daemon's own cgroup, or LXC's where nobody said otherwise. LXC itself never removes its lxc.pivot. */
const DEVICE_CGROUP = /^(pantavisor-[0-9a-f]{8}$|lxc\.(monitor|payload)\b)/;

/** What lives in /proc and /sys goes away while it is looked at; then there is nothing to see. */
function glance<T>(look: () => T, nothing: T): T {
  try {
    return look();
  } catch {
    return nothing;
  }
}

const read = (path: string): string => glance(() => readFileSync(path, 'utf8'), '');
const list = (path: string): readonly string[] => glance(() => readdirSync(path), []);
const mentions = (text: string, marks: readonly string[]): boolean => marks.some((mark) => text.includes(mark));

/** proc(5): blanks, tabs, newlines and backslashes in mountinfo are octal. */
const unescaped = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Mount points, in mount order, whose line in mountinfo (target, source, layers) mentions a mark. */
export const markedMounts = (marks: readonly string[]): readonly string[] =>
  read('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ').map(unescaped))
    .filter((fields) => mentions(fields.join(' '), marks))
    .map((fields) => fields[4] ?? '');

export const markedLoopDevices = (marks: readonly string[]): readonly string[] =>
  list('/sys/block')
    .filter((name) => name.startsWith('loop') && mentions(read(`/sys/block/${name}/loop/backing_file`), marks))
    .map((name) => `/dev/${name}`);

/** Live processes, other than this one, that run on behalf of what is marked. */
export const markedProcesses = (marks: readonly string[]): readonly number[] =>
  list('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && isMarked(pid, marks));

/** What the daemon starts without an environment of its own: LXC's monitors, and the holder of their FIFO. */
const DEVICE_COMMAND = /^([^\0]*\/)?\[?lxc|\0pantavisor-fifo-holder\0/;

/** Arguments count for those only: somebody who merely looks (`tail -f <directory>/daemon.log`) leaves no trace. */
function isMarked(pid: number, marks: readonly string[]): boolean {
  if (mentions(read(`/proc/${pid}/environ`), marks)) return true;
  const command = read(`/proc/${pid}/cmdline`);
  return DEVICE_COMMAND.test(command) && mentions(command, marks);
}

/** Paths that are swapped on. */
export const markedSwaps = (marks: readonly string[]): readonly string[] =>
  read('/proc/swaps')
    .split('\n')
    .filter((line) => mentions(line, marks))
    .map((line) => unescaped(line.split(/\s/)[0] ?? ''));

const commandOf = (pid: number): string =>
  read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || read(`/proc/${pid}/comm`).trim();

/** Topmost cgroups of daemons and LXC, relative to the cgroup root, in every hierarchy. */
export function deviceCgroups(directory = ''): readonly string[] {
  return childrenOf(directory).flatMap((path) => (DEVICE_CGROUP.test(basename(path)) ? [path] : deviceCgroups(path)));
}

/** Child cgroups, relative to the cgroup root. */
export const childrenOf = (cgroup: string): readonly string[] =>
  glance(() => readdirSync(join(CGROUPS, cgroup), { withFileTypes: true }), [])
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(cgroup, name));

/** Processes in a cgroup and below it. 0, a process outside our pid namespace, is left out. */
export const processesIn = (cgroup: string): readonly number[] => [
  ...read(join(CGROUPS, cgroup, 'cgroup.procs'))
    .split('\n')
    .map(Number)
    .filter(Boolean),
  ...childrenOf(cgroup).flatMap(processesIn),
];

/** Whether a living monitor without a mark is in it: another device on this machine. */
const isForeign = (cgroup: string, marks: readonly string[]): boolean =>
  processesIn(cgroup).some((pid) => DEVICE_COMMAND.test(read(`/proc/${pid}/cmdline`)) && !isMarked(pid, marks));

/** Everything there is now that was not there `before` (a former result of `deviceCgroups`), as sentences. */
export const tracesOf = (marks: readonly string[], before: readonly string[]): readonly string[] => [
  ...markedProcesses(marks).map((pid) => `process ${pid}: ${commandOf(pid)}`),
  ...markedMounts(marks).map((target) => `mount ${target}`),
  ...markedLoopDevices(marks).map((device) => `loop device ${device}`),
  ...markedSwaps(marks).map((path) => `swap ${path}`),
  ...deviceCgroups()
    .filter((cgroup) => !before.includes(cgroup) && !isForeign(cgroup, marks))
    .map((cgroup) => `cgroup ${cgroup}`),
];
