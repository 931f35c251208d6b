/**
 * What one device leaves on a machine: mounts, loop devices, swap, processes, cgroups.
 *
 * In: marks (strings that only paths or environments of this device contain) and the exact names of its cgroups.
 * Out: one sentence per trace. It reads and never changes anything. What belongs to others is never reported, however
 * much of it comes and goes meanwhile: the machine may run other devices, LXC containers and loop mounts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const CGROUPS = '/sys/fs/cgroup';

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

/** Cgroups of exactly these names, relative to the cgroup root, in every hierarchy. Nothing below them is looked at. */
export const cgroupsNamed = (names: readonly string[], directory = ''): readonly string[] =>
  childrenOf(directory).flatMap((path) => (names.includes(basename(path)) ? [path] : cgroupsNamed(names, path)));

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

/** Everything there is now, as sentences. `cgroups`: names of the device's own, see cgroupRootOf. */
export const tracesOf = (marks: readonly string[], cgroups: readonly string[]): readonly string[] => [
  ...markedProcesses(marks).map((pid) => `process ${pid}: ${commandOf(pid)}`),
  ...markedMounts(marks).map((target) => `mount ${target}`),
  ...markedLoopDevices(marks).map((device) => `loop device ${device}`),
  ...markedSwaps(marks).map((path) => `swap ${path}`),
  ...cgroupsNamed(cgroups).map((cgroup) => `cgroup ${cgroup}`),
];
