/**
 * Who sent a log message, told at once and also when the sender is gone already: most are programs that say one thing
 * and end, before anybody could look at /proc.
 *
 * Linux 6.16 keeps the id of the cgroup in which a peer was; no id is ever used twice. Which container a cgroup belongs
 * to is learnt from living senders, and from the cgroup itself while it is there. The host's processes are remembered
 * one by one, when they were seen alive. On older kernels only a living sender is known.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { tryCall } from '../kernel/libc.ts';
import { type Caller, callerIn, containerOfPid, peerHandle, peerOn, pidOfHandle } from './peer.ts';

/** By the descriptor of a connection. undefined: cannot be told, or a user of the host without rights. */
export type Senders = (fd: number) => Caller | undefined;

const MAX_KNOWN = 4096;
const PIDFD_GET_INFO = 0xc040ff0bn;
const INFO_BYTES = 64;
/** `mask` asked for and given: PIDFD_INFO_CGROUPID and PIDFD_INFO_EXIT (linux/pidfd.h). */
const [CGROUP_ID, EXIT] = [1n << 2n, 1n << 3n];
/** struct file_handle with eight bytes, as cgroups have it (name_to_handle_at(2)). */
const HANDLE_BYTES = 16;
const FILEID_KERNFS = 0xfe;
const O_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/** undefined: this kernel does not say. */
const cgroupOf = (pidfd: number): bigint | undefined => {
  const info = Buffer.alloc(INFO_BYTES);
  info.writeBigUInt64LE(CGROUP_ID | EXIT);
  if (tryCall('ioctl', pidfd, PIDFD_GET_INFO, info) < 0) return undefined;
  return (info.readBigUInt64LE(0) & CGROUP_ID) === 0n ? undefined : info.readBigUInt64LE(8);
};

/** Of a cgroup that is still there, below the mount point; undefined: it is gone. The id is its file handle. */
const placeOf = (cgroup: bigint, unified: string): string | undefined => {
  const mount = openSync(unified, 'r');
  const handle = Buffer.alloc(HANDLE_BYTES);
  handle.writeUInt32LE(8, 0);
  handle.writeInt32LE(FILEID_KERNFS, 4);
  handle.writeBigUInt64LE(cgroup, 8);
  const fd = tryCall('open_by_handle_at', mount, handle, O_DIRECTORY);
  closeSync(mount);
  if (fd < 0) return undefined;
  const path = readlinkSync(`/proc/self/fd/${fd}`);
  closeSync(fd);
  return path.slice(unified.length);
};

/** What was found out, the oldest forgotten first. */
const memory = () => {
  const known = new Map<bigint, Caller>();
  return {
    get: (id: bigint): Caller | undefined => known.get(id),
    learn: (id: bigint, caller: Caller): void => {
      const [oldest] = known.keys();
      if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest);
      known.set(id, caller);
    },
  };
};

/** @param unified mount point of the v2 hierarchy; undefined: there is none. */
export const openSenders = (lxcPath: string, unified: string | undefined): Senders => {
  const [byCgroup, byProcess] = [memory(), memory()];

  /** Of a sender that is gone. That it was the host's cannot be told any more. */
  const lookUp = (cgroup: bigint): Caller | undefined => {
    const place = unified === undefined ? undefined : placeOf(cgroup, unified);
    const caller = place === undefined ? undefined : callerIn([`0::${place}`], lxcPath, () => false);
    if (caller !== undefined) byCgroup.learn(cgroup, caller);
    return caller;
  };

  /** Gone afterwards, its pid may have been another's when we looked. */
  const surely = (pid: number, pidfd: number): Caller | undefined => {
    const caller = containerOfPid(pid, lxcPath);
    return caller !== undefined && pidOfHandle(pidfd) === pid ? caller : undefined;
  };

  const withHandle = (pid: number, pidfd: number): Caller | undefined => {
    const cgroup = cgroupOf(pidfd);
    if (cgroup === undefined) return surely(pid, pidfd);
    // A kernel that knows the cgroup gives every process a handle of its own inode, for ever.
    const { ino } = fstatSync(pidfd, { bigint: true });
    const known = byCgroup.get(cgroup) ?? byProcess.get(ino);
    if (known !== undefined) return known;
    const caller = surely(pid, pidfd);
    // The host has no cgroup of its own: its processes may share one with another container's.
    if (caller === 'host') byProcess.learn(ino, caller);
    else if (caller !== undefined) byCgroup.learn(cgroup, caller);
    return caller ?? lookUp(cgroup);
  };

  return (fd) => {
    const peer = peerOn(fd);
    const handle = peerHandle(fd);
    try {
      if (peer === undefined || handle === 'gone') return undefined;
      const caller = handle === 'unsupported' ? containerOfPid(peer.pid, lxcPath) : withHandle(peer.pid, handle);
      return caller === 'host' && peer.uid !== 0 ? undefined : caller;
    } finally {
      if (typeof handle === 'number') closeSync(handle);
    }
  };
};
