/**
 * Who sent a log message, told at once and also when the sender is gone already: most are programs that say one thing
 * and end, before anybody could look at /proc.
 *
 * Linux 6.16 keeps the id of the cgroup in which a peer was; no id is ever used twice. Which container a cgroup belongs
 * to is learnt from living senders, and from the cgroups of our containers. The host's processes are remembered one by
 * one. On older kernels only a living sender is known.
 */
import { closeSync, fstatSync, readdirSync, statSync } from 'node:fs';
import { cgroupRootOf } from '../../../resources/lxc-place.ts';
import { tryCall } from './libc.ts';
import { isContainerName } from './lxc-names.ts';
import { type Caller, containerOfPid, peerHandle, peerOn, pidOfHandle } from './peer.ts';
import { hasCode } from './refusal.ts';

/** By the descriptor of a connection. undefined: cannot be told, or a user of the host without rights. */
export type Senders = (fd: number) => Caller | undefined;

const MAX_KNOWN = 4096;
const PIDFD_GET_INFO = 0xc040ff0bn;
const INFO_BYTES = 64;
/** `mask` asked for and given: PIDFD_INFO_CGROUPID and PIDFD_INFO_EXIT (linux/pidfd.h). */
const [CGROUP_ID, EXIT] = [1n << 2n, 1n << 3n];

/** undefined: this kernel does not say. */
const cgroupOf = (pidfd: number): bigint | undefined => {
  const info = Buffer.alloc(INFO_BYTES);
  info.writeBigUInt64LE(CGROUP_ID | EXIT);
  if (tryCall('ioctl', pidfd, PIDFD_GET_INFO, info) < 0) return undefined;
  return (info.readBigUInt64LE(0) & CGROUP_ID) === 0n ? undefined : info.readBigUInt64LE(8);
};

const idOf = (directory: string): bigint | undefined =>
  statSync(directory, { bigint: true, throwIfNoEntry: false })?.ino;

const namesIn = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory).filter(isContainerName);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
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

  /** The container whose own cgroup it is. */
  const lookUp = (cgroup: bigint): Caller | undefined => {
    const directory = `${unified}/${cgroupRootOf(lxcPath)}/lxc`;
    for (const container of unified === undefined ? [] : namesIn(directory)) {
      if (idOf(`${directory}/${container}`) !== cgroup) continue;
      byCgroup.learn(cgroup, { container });
      return { container };
    }
    return undefined;
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
