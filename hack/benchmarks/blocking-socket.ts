/**
 * Unix sockets without an event loop: socket(2), connect(2), read(2), write(2) and close(2), each waited for.
 *
 * For the client whose own time must not be part of what is measured: between a request and its answer it does nothing
 * but sleep in the kernel. For a process that does nothing else.
 */
import { DataType, load, open } from 'ffi-rs';

const [AF_UNIX, SOCK_STREAM] = [1, 1];
/** struct sockaddr_un: the family, then a path that ends with NUL. */
const PATH_OFFSET = 2;
const MAX_PATH_BYTES = 107;

open({ library: 'libc', path: '' });

const call = (name: string, ...values: readonly (number | Buffer)[]): number => {
  const result = load<DataType.I64, true>({
    library: 'libc',
    funcName: name,
    retType: DataType.I64,
    paramsType: values.map((value) => (typeof value === 'number' ? DataType.I64 : DataType.U8Array)),
    paramsValue: [...values],
    errno: true,
  });
  if (result.value < 0) throw new Error(`${name}: ${result.errnoMessage}`);
  return result.value;
};

const addressOf = (path: string): Buffer => {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error(`${path}: too long for a unix socket`);
  const address = Buffer.alloc(PATH_OFFSET + MAX_PATH_BYTES + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, PATH_OFFSET);
  return address;
};

export const connectTo = (path: string): number => {
  const socket = call('socket', AF_UNIX, SOCK_STREAM, 0);
  const address = addressOf(path);
  call('connect', socket, address, address.length);
  return socket;
};

export const writeAll = (socket: number, bytes: Buffer): void => {
  for (let sent = 0; sent < bytes.length; ) {
    const rest = sent === 0 ? bytes : bytes.subarray(sent);
    sent += call('write', socket, rest, rest.length);
  }
};

/** @returns how many bytes came; 0 is the end. */
export const readSome = (socket: number, into: Buffer): number => call('read', socket, into, into.length);

export const close = (socket: number): void => {
  call('close', socket);
};
