/** Unix stream sockets by descriptor, for listeners that are accepted from in their turn, and for what Node cannot receive. */
import { chmodSync, closeSync, lstatSync, rmSync } from 'node:fs';
import { DeviceError } from '../../host.ts';
import { addressOf, call, errnoName, tryCall } from '../kernel/libc.ts';

const [AF_UNIX, SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC] = [1, 1, 0x800, 0x80000];
const [SOL_SOCKET, SCM_RIGHTS] = [1, 1];
const ADDRESS_BYTES = 110;
/** Who does not wait to connect is turned away beyond it. */
const BACKLOG = 128;

/** What a daemon that is gone left; the run directory is locked, so it is nobody's. @throws DeviceError EEXIST. */
const removeStale = (path: string): void => {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new DeviceError('listen', path, 'EEXIST', 'it is no socket, as expected, nor nothing');
  rmSync(path);
};

/** Non-blocking, closed on exec. What is at `path` is replaced if it is a socket. @throws DeviceError */
export const listenAt = (path: string, mode: number): number => {
  const address = Buffer.alloc(ADDRESS_BYTES);
  address.writeUInt16LE(AF_UNIX);
  if (address.write(path, 2) !== Buffer.byteLength(path) || Buffer.byteLength(path) > ADDRESS_BYTES - 3)
    throw new DeviceError('listen', path, 'ENAMETOOLONG');
  removeStale(path);
  const fd = call('socket', path, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  // Nobody can connect before it listens, so its rights may be set in between.
  call('bind', path, fd, address, ADDRESS_BYTES);
  chmodSync(path, mode);
  call('listen', path, fd, BACKLOG);
  return fd;
};

/** The next connection, non-blocking; a word for why there is none: `EAGAIN`, or what is short. */
export const acceptFrom = (listener: number): number | string => {
  const fd = tryCall('accept4', listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? errnoName(-fd) : fd;
};

/**
 * Whoever sends a descriptor to this listener's connections is told EPERM, from Linux 6.16 on. Descriptors that nobody
 * receives are closed by the kernel in the reader's time, and the last one to close a TCP socket may have to wait for
 * its peer.
 */
export const refuseDescriptors = (listener: number): void => {
  const SO_PASSRIGHTS = 83;
  const no = Buffer.alloc(4);
  tryCall('setsockopt', listener, SOL_SOCKET, SO_PASSRIGHTS, no, no.length);
};

export interface Received {
  readonly bytes: Buffer;
  /** Ours now: to be closed. */
  readonly descriptors: readonly number[];
}

const MSG_CMSG_CLOEXEC = 0x40000000;
const HEADER_BYTES = 56;
/** Room for a few descriptors; the kernel closes what exceeds it. */
const CONTROL_BYTES = 64;
const CONTROL_HEADER_BYTES = 16;

/** Descriptors in the control data of one recvmsg(2), see cmsg(3). */
const descriptorsIn = (control: Buffer): readonly number[] => {
  if (control.length < CONTROL_HEADER_BYTES) return [];
  const length = Math.min(Number(control.readBigUInt64LE(0)), control.length);
  if (control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) return [];
  const count = Math.max(0, Math.floor((length - CONTROL_HEADER_BYTES) / 4));
  return Array.from({ length: count }, (_, index) => control.readInt32LE(CONTROL_HEADER_BYTES + 4 * index));
};

/** What has arrived, at most `maxBytes`, and descriptors with it. A word for why there is nothing, such as EAGAIN. */
export const receiveFrom = (fd: number, maxBytes: number): Received | string => {
  const data = Buffer.alloc(maxBytes);
  const control = Buffer.alloc(CONTROL_BYTES);
  const iov = Buffer.alloc(16);
  iov.writeBigUInt64LE(addressOf(data), 0);
  iov.writeBigUInt64LE(BigInt(maxBytes), 8);
  // struct msghdr: name, namelen, iov at 16, iovlen at 24, control at 32, controllen at 40, flags at 48.
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64LE(addressOf(iov), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(CONTROL_BYTES), 40);
  const count = tryCall('recvmsg', fd, header, MSG_CMSG_CLOEXEC);
  if (count < 0) return errnoName(-count);
  const controlBytes = Number(header.readBigUInt64LE(40));
  return { bytes: data.subarray(0, count), descriptors: descriptorsIn(control.subarray(0, controlBytes)) };
};

export const closeAll = (descriptors: readonly number[]): void => {
  for (const descriptor of descriptors) closeSync(descriptor);
};
