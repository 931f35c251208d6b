/**
 * Who is at the other end of a unix socket.
 *
 * A container is known by the cgroup that we put it in, `/<root of this daemon>/lxc/<name>`, and only by that: the
 * whole path from the top of the hierarchy counts, so a cgroup that a container makes for itself, however named, lies
 * below its own. The host is whoever shares our pid namespace and is in none of those cgroups: a process of another
 * container (Docker, another daemon's) that got hold of the socket is neither.
 */
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { cgroupRootOf } from '../../../../resources/lxc/lxc-place.ts';
import { DeviceError } from '../../host.ts';
import { preparedGetsockopt } from '../kernel/libc.ts';
import { isContainerName } from '../lxc/lxc-names.ts';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77;
const peerCredentials = preparedGetsockopt(SOL_SOCKET, SO_PEERCRED, 12);
const peerPidfd = preparedGetsockopt(SOL_SOCKET, SO_PEERPIDFD, 4);

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
  const credentials = peerCredentials(fd);
  const [pid, uid, gid] = [0, 4, 8].map((offset) => credentials.readInt32LE(offset));
  if (pid === undefined || uid === undefined || gid === undefined || pid <= 0) return undefined;
  return { pid, uid, gid };
};

export type Caller = 'host' | { readonly container: string };

export interface KnownPeer {
  readonly caller: Caller;
  readonly pid: number;
}

/** A process is in a dozen hierarchies, by paths of at most PATH_MAX each; whoever goes beyond is nobody's. */
const MAX_PROC_BYTES = 128 * 1024;
const scratch = Buffer.allocUnsafeSlow(MAX_PROC_BYTES);

/**
 * What an open file of /proc says now, from its beginning; undefined: too long. Not on the thread pool: the kernel has
 * it at hand, and trips there cost more than all else that a request needs. These files come whole in one read.
 */
const procText = (fd: number): string | undefined => {
  const length = readSync(fd, scratch, 0, MAX_PROC_BYTES, 0);
  return length === MAX_PROC_BYTES ? undefined : scratch.toString('latin1', 0, length);
};

const procFile = (path: string): string | undefined => {
  const fd = openSync(path, 'r');
  try {
    return procText(fd);
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
 * v1 hierarchies say of every process that has ended and was not reaped that it is at their top, as the host is.
 * @throws ENOENT for one of those: it has no program any more.
 */
const expectLiving = (pid: number): void => void readlinkSync(`/proc/${pid}/exe`);

const isLivingHost = (pid: number): boolean => {
  expectLiving(pid);
  return sharesOurPids(pid);
};

/** undefined: the process is gone. */
const unlessGone = <T>(look: () => T): T | undefined => {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // only fs calls are made in it
    // EACCES: a process that we may not look at (of another container's, or a pid that somebody made up) is none of ours.
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
};

/**
 * Which container a process is in. undefined: gone, or in none of ours without being of the host.
 * The pid must not have been given to another process meanwhile; callerOf sees to that.
 */
export const containerOfPid = (pid: number, lxcPath: string): Caller | undefined =>
  unlessGone(() => callerBy(procFile(`/proc/${pid}/cgroup`), lxcPath, () => isLivingHost(pid)));

/** Most callers are the host's, and in none of our cgroups. */
const callerBy = (text: string | undefined, lxcPath: string, isHost: () => boolean): Caller | undefined => {
  if (text === undefined) return undefined;
  if (text.includes(`/${rootOf(lxcPath)}/lxc`)) return callerIn(text.split('\n'), lxcPath, isHost);
  return isHost() ? 'host' : undefined;
};

const roots = new Map<string, string>();

/** Hashed once. */
const rootOf = (lxcPath: string): string => {
  const root = roots.get(lxcPath) ?? cgroupRootOf(lxcPath);
  roots.set(lxcPath, root);
  return root;
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

/** What a process is told by: its pid, and /proc/<pid>/cgroup, open, which is its own for good. */
interface Looked {
  readonly caller: Caller | undefined;
  readonly cgroups: number;
}

const lookAt = (pid: number, cgroups: number, lxcPath: string): Caller | undefined =>
  unlessGone(() => callerBy(procText(cgroups), lxcPath, () => isLivingHost(pid)));

/** undefined: gone. The file stays open. */
const lookFirst = (pid: number, lxcPath: string): Looked | undefined => {
  const cgroups = unlessGone(() => openSync(`/proc/${pid}/cgroup`, 'r'));
  return cgroups === undefined ? undefined : { caller: lookAt(pid, cgroups, lxcPath), cgroups };
};

/**
 * The peer's container, surely: whoever connected must still live after we looked, else its pid may already be
 * another's. Kernels before 6.5 have no SO_PEERPIDFD; there the pid has to do.
 * Ask once per connection, when it is accepted.
 * @param keep takes the open file of a peer that is known for sure; else it is closed.
 */
export const callerOf = (
  socket: Socket,
  lxcPath: string,
  keep: (pid: number, cgroups: number) => void = (_pid, cgroups) => closeSync(cgroups),
): KnownPeer | undefined => {
  const handle = peerHandle(socketFd(socket));
  if (handle === 'gone') return undefined;
  if (handle === 'unsupported') {
    const peer = peerOf(socket);
    return peer === undefined ? undefined : knownAs(containerOfPid(peer.pid, lxcPath), peer.pid);
  }
  try {
    const pid = pidOfHandle(handle);
    const looked = pid > 0 ? lookFirst(pid, lxcPath) : undefined;
    if (looked === undefined) return undefined;
    const isSame = pidOfHandle(handle) === pid;
    if (isSame) keep(pid, looked.cgroups);
    else closeSync(looked.cgroups);
    return isSame ? knownAs(looked.caller, pid) : undefined;
  } finally {
    closeSync(handle);
  }
};

const knownAs = (caller: Caller | undefined, pid: number): KnownPeer | undefined =>
  caller === undefined ? undefined : { caller, pid };

/** A descriptor of the process at the other end, which is to be closed. */
export const peerHandle = (fd: number): number | 'unsupported' | 'gone' => {
  if (fd < 0) return 'gone';
  try {
    return peerPidfd(fd).readInt32LE(0);
  } catch (error) {
    return error instanceof DeviceError && error.code === 'ENOPROTOOPT' ? 'unsupported' : 'gone';
  }
};

/** -1 when the process has ended, 0 when it is of a pid namespace that we do not see (pidfd in proc_pid_fdinfo(5)). */
export const pidOfHandle = (pidfd: number): number =>
  Number(/^Pid:\s*(-?\d+)/m.exec(procFile(`/proc/self/fdinfo/${pidfd}`) ?? '')?.[1] ?? -1);

/** Clients that come again and again, each time on a new connection. */
const MAX_KNOWN = 16;

/**
 * As callerOf, and quicker for processes that have called before: their /proc/<pid>/cgroup is kept open. Such a file is
 * its process's for good, so what is read from it is true of whoever has had this pid since. Connections are accepted in
 * the order in which they were made: one from that pid that is accepted now was made after that process had come, and
 * while it lives nobody else can have its pid.
 */
export const callersOf = (lxcPath: string): ((socket: Socket) => KnownPeer | undefined) => {
  const known = new Map<number, number>();
  const forget = (pid: number): void => {
    const fd = known.get(pid);
    known.delete(pid);
    if (fd !== undefined) closeSync(fd);
  };
  const remember = (pid: number, cgroups: number): void => {
    forget(pid);
    known.set(pid, cgroups);
    const [oldest] = known.keys();
    if (known.size > MAX_KNOWN && oldest !== undefined) forget(oldest);
  };
  /** undefined: not known, or gone. */
  const again = (pid: number): KnownPeer | undefined => {
    const cgroups = known.get(pid);
    if (cgroups === undefined) return undefined;
    const caller = lookAt(pid, cgroups, lxcPath);
    if (caller === undefined) forget(pid);
    return knownAs(caller, pid);
  };
  return (socket) => {
    const pid = peerOf(socket)?.pid;
    return pid === undefined ? undefined : (again(pid) ?? callerOf(socket, lxcPath, remember));
  };
};
