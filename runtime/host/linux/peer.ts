/**
 * Who is at the other end of a unix socket (ctrl-api.md §3.1).
 *
 * A container is known by the cgroup that we put it in, `/<root of this daemon>/lxc/<name>`, and only by that: the
 * whole path from the top of the hierarchy counts, so a cgroup that a container makes for itself, however named, lies
 * below its own. The host is whoever shares our pid namespace and is in none of those cgroups: a process of another
 * container (Docker, another daemon's) that got hold of the socket is neither.
 */
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { cgroupRootOf } from '../../../resources/lxc-place.ts';
import { DeviceError } from '../host.ts';
import { getsockopt } from './libc.ts';
import { isContainerName } from './lxc-names.ts';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77;

/** Node does not publish the descriptor of a socket; -1: it is closed. */
export const socketFd = (socket: Socket): number =>
  (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1;

/** Who connected (or listened, seen from a client), as of then. undefined: closed, or of a foreign pid namespace. */
export const peerOf = (socket: Socket): Peer | undefined => {
  const fd = socketFd(socket);
  return fd < 0 ? undefined : peerOn(fd);
};

/** As `peerOf`, of a descriptor that is open. */
export const peerOn = (fd: number): Peer | undefined => {
  const credentials = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, 12);
  const [pid, uid, gid] = [0, 4, 8].map((offset) => credentials.readInt32LE(offset));
  if (pid === undefined || uid === undefined || gid === undefined || pid <= 0) return undefined;
  return { pid, uid, gid };
};

export type Caller = 'host' | { readonly container: string };

/** A process is in a dozen hierarchies, by paths of at most PATH_MAX each; whoever goes beyond is nobody's. */
const MAX_PROC_BYTES = 128 * 1024;
const scratch = Buffer.allocUnsafeSlow(MAX_PROC_BYTES);

/**
 * A file of /proc, whole; undefined: too long. Not on the thread pool: the kernel has it at hand, and four trips there
 * cost more than all else that a request needs.
 */
const procFile = (path: string): string | undefined => {
  const fd = openSync(path, 'r');
  try {
    let length = 0;
    for (;;) {
      const read = readSync(fd, scratch, length, MAX_PROC_BYTES - length, null);
      length += read;
      if (length === MAX_PROC_BYTES) return undefined;
      if (read === 0) return scratch.toString('latin1', 0, length);
    }
  } finally {
    closeSync(fd);
  }
};

let ours: string | undefined;

const sharesOurPids = (pid: number): boolean => {
  ours ??= readlinkSync('/proc/self/ns/pid');
  return readlinkSync(`/proc/${pid}/ns/pid`) === ours;
};

/**
 * Which container a process is in. undefined: gone, or in none of ours without being of the host.
 * The pid must not have been given to another process meanwhile; callerOf sees to that.
 */
export const containerOfPid = (pid: number, lxcPath: string): Caller | undefined => {
  try {
    const cgroups = procFile(`/proc/${pid}/cgroup`);
    return cgroups === undefined ? undefined : callerIn(cgroups.split('\n'), lxcPath, () => sharesOurPids(pid));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // only fs calls above
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
};

/** `cgroups`: lines of /proc/<pid>/cgroup, `<id>:<controllers>:<path>`; one hierarchy is enough, two must agree. */
export const callerIn = (
  cgroups: readonly string[],
  lxcPath: string,
  sharesPidNamespace: () => boolean,
): Caller | undefined => {
  const root = `/${cgroupRootOf(lxcPath)}/`;
  const places = cgroups.map((line) => line.split(':').slice(2).join(':')).filter((path) => path.startsWith(root));
  const inside = places.map((path) => path.slice(root.length).split('/')).filter(([first]) => first === 'lxc');
  const names = new Set(inside.map(([, name = '']) => name));
  const [name] = names;
  if (name !== undefined) return names.size === 1 && isContainerName(name) ? { container: name } : undefined;
  return sharesPidNamespace() ? 'host' : undefined;
};

/**
 * The peer's container, surely: whoever connected must still live after we looked, else its pid may already be
 * another's. Kernels before 6.5 have no SO_PEERPIDFD; there the pid has to do.
 * Ask once per connection, when it is accepted.
 */
export const callerOf = (socket: Socket, lxcPath: string): Caller | undefined => {
  const handle = peerHandle(socketFd(socket));
  if (handle === 'gone') return undefined;
  if (handle === 'unsupported') {
    const peer = peerOf(socket);
    return peer === undefined ? undefined : containerOfPid(peer.pid, lxcPath);
  }
  try {
    const pid = pidOfHandle(handle);
    if (pid <= 0) return undefined;
    const caller = containerOfPid(pid, lxcPath);
    return pidOfHandle(handle) === pid ? caller : undefined;
  } finally {
    closeSync(handle);
  }
};

/** A descriptor of the process at the other end, which is to be closed. */
export const peerHandle = (fd: number): number | 'unsupported' | 'gone' => {
  if (fd < 0) return 'gone';
  try {
    return getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, 4).readInt32LE(0);
  } catch (error) {
    return error instanceof DeviceError && error.code === 'ENOPROTOOPT' ? 'unsupported' : 'gone';
  }
};

/** -1 when the process has ended, 0 when it is of a pid namespace that we do not see (pidfd in proc_pid_fdinfo(5)). */
export const pidOfHandle = (pidfd: number): number =>
  Number(/^Pid:\s*(-?\d+)/m.exec(procFile(`/proc/self/fdinfo/${pidfd}`) ?? '')?.[1] ?? -1);
