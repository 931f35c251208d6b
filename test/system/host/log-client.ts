/** Clients of the log sockets in this very process, which is the host's: what a C program would do. */
import { closeSync, writeSync } from 'node:fs';
import { addressOf, call } from '../../../runtime/host/linux/kernel/libc.ts';

const [AF_UNIX, SOCK_STREAM] = [1, 1];

/** A blocking connection, as a descriptor. */
export const connectTo = (path: string): number => {
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX);
  address.write(path, 2);
  const fd = call('socket', path, AF_UNIX, SOCK_STREAM, 0);
  call('connect', path, fd, address, 110);
  return fd;
};

/** One message, one connection. */
export const say = (path: string, message: string | Buffer): void => {
  const fd = connectTo(path);
  writeSync(fd, Buffer.from(message));
  closeSync(fd);
};

/** Two ends of a pipe. */
export const pipe = (): { readonly reader: number; readonly writer: number } => {
  const ends = Buffer.alloc(8);
  call('pipe', 'a new pipe', ends);
  return { reader: ends.readInt32LE(0), writer: ends.readInt32LE(4) };
};

export interface HandedOver {
  readonly platform?: string;
  readonly source?: string;
  readonly level?: number;
  readonly action?: number;
  readonly descriptors?: readonly number[];
}

/** The fixed layout of what comes with a descriptor: 108 bytes. */
export const handOver = (path: string, what: HandedOver): void => {
  const { platform = 'web', source = 'app', level = 3, action = 1, descriptors = [] } = what;
  const data = Buffer.alloc(108);
  data.write(platform, 0, 50);
  data.write(source, 50, 50);
  data.writeInt32LE(level, 100);
  data.writeInt32LE(action, 104);
  const iov = Buffer.alloc(16);
  iov.writeBigUInt64LE(addressOf(data), 0);
  iov.writeBigUInt64LE(108n, 8);
  const control = Buffer.alloc(16 + Math.ceil(descriptors.length / 2) * 8);
  control.writeBigUInt64LE(BigInt(16 + 4 * descriptors.length), 0);
  control.writeInt32LE(1, 8);
  control.writeInt32LE(1, 12);
  for (const [index, descriptor] of descriptors.entries()) control.writeInt32LE(descriptor, 16 + 4 * index);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(addressOf(iov), 16);
  header.writeBigUInt64LE(1n, 24);
  if (descriptors.length > 0) {
    header.writeBigUInt64LE(addressOf(control), 32);
    header.writeBigUInt64LE(BigInt(control.length), 40);
  }
  const fd = connectTo(path);
  try {
    call('sendmsg', path, fd, header, 0);
  } finally {
    closeSync(fd);
  }
};
