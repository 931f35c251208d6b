/**
 * libc through ffi-rs: each function that Node lacks, wrapped once with fixed types.
 *
 * In: paths, flags, buffers. Out: plain results, or a DeviceError with the errno name. Nobody else may import ffi-rs:
 * it is native code, where a wrong type is a crash of the daemon instead of an exception. It is loaded by the first
 * call, because start-up is part of the boot time, and only ever in the main thread.
 * What may sleep in the kernel (a mount replays journals, an unmount and swapoff write back) runs on the thread pool.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { DeviceError } from '../../host.ts';

type Ffi = typeof import('ffi-rs');
/** `null` is the NULL pointer; numbers are C's int, bigints its long. */
type Argument = string | number | bigint | Buffer | null;

let loaded: Ffi | undefined;

/** The empty path is the running program itself: whichever libc it is linked with. */
const ffi = (): Ffi => {
  if (loaded === undefined) {
    loaded = createRequire(import.meta.url)('ffi-rs') as Ffi; // require() is untyped; the types are the package's own
    loaded.open({ library: 'libc', path: '' });
  }
  return loaded;
};

/** Of two names for one number the first in the alphabet: EAGAIN, not EWOULDBLOCK. */
const ERRNO_NAMES = new Map<number, string>(
  Object.entries(constants.errno)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

export const errnoName = (errno: number): string => ERRNO_NAMES.get(errno) ?? `ERRNO_${errno}`;

const typeOf = ({ DataType }: Ffi, argument: Argument) => {
  if (typeof argument === 'string') return DataType.String;
  if (typeof argument === 'number') return DataType.I32;
  if (Buffer.isBuffer(argument)) return DataType.U8Array;
  return DataType.I64;
};

const request = (funcName: string, values: readonly Argument[]) => {
  const library = ffi();
  for (const value of values) {
    // ffi-rs hands on what precedes a NUL: another path than the one that was checked.
    if (typeof value === 'string' && value.includes('\0')) {
      throw new DeviceError(funcName, JSON.stringify(value), 'EINVAL', 'contains a NUL character');
    }
  }
  return {
    library: 'libc',
    funcName,
    retType: library.DataType.I32,
    paramsType: values.map((value) => typeOf(library, value)),
    paramsValue: values.map((value) => (value === null ? 0 : typeof value === 'bigint' ? Number(value) : value)),
    errno: true,
  } as const;
};

interface Outcome {
  readonly value: number;
  readonly errnoCode: number;
  readonly errnoMessage: string;
}

const resultOf = (name: string, subject: string, { value, errnoCode, errnoMessage }: Outcome): number => {
  if (value >= 0) return value;
  throw new DeviceError(name, subject, errnoName(errnoCode), errnoMessage.replace(/ \(os error \d+\)$/, ''));
};

/** @throws DeviceError. For files of this folder that wrap functions of one kind. */
export const call = (name: string, subject: string, ...values: readonly Argument[]): number =>
  resultOf(name, subject, ffi().load(request(name, values)));

/** As `call`, where a refusal is a usual answer: then the negative errno. */
export const tryCall = (name: string, ...values: readonly Argument[]): number => {
  const { value, errnoCode } = ffi().load(request(name, values));
  return value < 0 ? -errnoCode : value;
};

/** Where the bytes of a buffer are, for structures that point to them; they stay there as long as the buffer is held. */
export const addressOf = (bytes: Buffer): bigint => {
  const { I64, U8Array } = ffi().DataType;
  // memcpy(3) of nothing returns where it would have copied to.
  const request = { library: 'libc', funcName: 'memcpy', retType: I64, paramsType: [U8Array, U8Array, I64] };
  return BigInt(Number(ffi().load({ ...request, paramsValue: [bytes, bytes, 0] })));
};

const callOnPool = async (name: string, subject: string, ...values: readonly Argument[]): Promise<number> =>
  resultOf(name, subject, await ffi().load({ ...request(name, values), runInNewThread: true }));

export const UMOUNT_NOFOLLOW = 0x8;

/** On the thread pool. `options` is the file system's own option string. */
export const mount = async (
  source: string,
  target: string,
  how: { readonly type?: string; readonly flags: number; readonly options?: string },
): Promise<void> => {
  await callOnPool('mount', target, source, target, how.type ?? null, BigInt(how.flags), how.options ?? null);
};

/** On the thread pool. */
export const umount2 = async (target: string, flags: number): Promise<void> => {
  await callOnPool('umount2', target, target, flags);
};

/** On the thread pool. `flags` as in swapon(2). */
export const swapon = async (path: string, flags: number): Promise<void> => {
  await callOnPool('swapon', path, path, flags);
};

/** On the thread pool: reads everything back from the swap area first. */
export const swapoff = async (path: string): Promise<void> => {
  await callOnPool('swapoff', path, path);
};

/** A buffer argument is read and written by the kernel in place; it must have the size that the request says. */
export const ioctl = (fd: number, request: number, argument: number | Buffer): number =>
  call('ioctl', `fd ${fd}`, fd, BigInt(request), typeof argument === 'number' ? BigInt(argument) : argument);

export const fcntl = (fd: number, command: number, argument: number): number =>
  call('fcntl', `fd ${fd}`, fd, command, BigInt(argument));

export const setsockopt = (fd: number, level: number, option: number, value: Buffer): void => {
  call('setsockopt', `fd ${fd}`, fd, level, option, value, value.length);
};

/** What the kernel wrote of at most `maxBytes`. */
export const getsockopt = (fd: number, level: number, option: number, maxBytes: number): Buffer => {
  const value = Buffer.alloc(maxBytes);
  const length = Buffer.alloc(4);
  length.writeInt32LE(maxBytes);
  call('getsockopt', `fd ${fd}`, fd, level, option, value, length);
  return value.subarray(0, length.readInt32LE());
};

/** SIGALRM after so many seconds, which ends a process that does not care for it. */
export const alarm = (seconds: number): void => {
  call('alarm', `${seconds} s`, seconds);
};

interface Prepared {
  readonly parameters: unknown[];
  readonly call: () => number;
}

/**
 * getsockopt for an option that is asked for on every connection: everything that the call needs is made once, which
 * takes two thirds of its time away. The answer is good until the next call.
 */
export const preparedGetsockopt = (level: number, option: number, bytes: number): ((fd: number) => Buffer) => {
  // Not from Node's pool: the kernel is told where these are, once and for all.
  const [value, length] = [Buffer.allocUnsafeSlow(bytes), Buffer.allocUnsafeSlow(4)];
  let prepared: Prepared | undefined;
  const prepare = (): Prepared => {
    const library = ffi();
    const { I32, U8Array, External } = library.DataType;
    const buffers = { paramsType: [U8Array, U8Array], paramsValue: [value, length] };
    const parameters: unknown[] = [0, level, option, ...library.unwrapPointer(library.createPointer(buffers))];
    const paramsType = [I32, I32, I32, External, External];
    const request = { library: 'libc', funcName: 'getsockopt', retType: I32, paramsType, paramsValue: parameters };
    return { parameters, call: () => Number(library.load(request)) }; // an I32, as was asked for
  };
  return (fd) => {
    prepared ??= prepare();
    length.writeInt32LE(bytes);
    prepared.parameters[0] = fd;
    if (prepared.call() >= 0) return value.subarray(0, length.readInt32LE());
    return getsockopt(fd, level, option, bytes); // which says why not
  };
};

/** Never waits: @throws DeviceError EAGAIN when another process holds the lock. */
export const flock = (fd: number, path: string): void => {
  const [LOCK_EX, LOCK_NB] = [2, 4];
  call('flock', path, fd, LOCK_EX | LOCK_NB);
};

export const mkfifo = (path: string, mode: number): void => {
  call('mkfifo', path, path, mode);
};

/** An unbound UDP socket, closed on exec. */
export const datagramSocket = (): number => {
  const [AF_INET, SOCK_DGRAM, SOCK_CLOEXEC] = [2, 2, 0x80000];
  return call('socket', 'a new UDP socket', AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

/** Makes `to` another number for what `from` is open on; closed on exec. */
export const dup3 = (from: number, to: number): void => {
  const O_CLOEXEC = 0x80000;
  call('dup3', `fd ${from}`, from, to, O_CLOEXEC);
};

/** What of `events` is so for `fd` now, without waiting. */
export const pollNow = (fd: number, events: number): number => {
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeInt16LE(events, 4);
  for (;;) {
    try {
      call('poll', `fd ${fd}`, pollfd, 1n, 0);
      return pollfd.readInt16LE(6);
    } catch (error) {
      // A signal came first, such as that of a child's end; poll(2) is not restarted by itself.
      if (!(error instanceof DeviceError && error.code === 'EINTR')) throw error;
    }
  }
};

/** On the thread pool: the file may be on anything. */
export const fsetxattr = async (fd: number, name: string, value: Buffer): Promise<void> => {
  await callOnPool('fsetxattr', `fd ${fd}`, fd, name, value, BigInt(value.length), 0);
};

/** On the thread pool. @throws DeviceError ENODATA, ERANGE. */
export const fgetxattr = async (fd: number, name: string, maxBytes: number): Promise<Buffer> => {
  const value = Buffer.alloc(maxBytes);
  const length = await callOnPool('fgetxattr', `fd ${fd}`, fd, name, value, BigInt(maxBytes));
  return value.subarray(0, length);
};

/** On the thread pool. */
export const fallocate = async (fd: number, mode: number, offset: number, length: number): Promise<void> => {
  await callOnPool('fallocate', `fd ${fd}`, fd, mode, BigInt(offset), BigInt(length));
};

/** glibc gives what its allocator holds and nobody uses back to the kernel. */
export const mallocTrim = (): void => {
  try {
    call('malloc_trim', 'the heap', 0n);
  } catch {
    // musl has no such function, and holds little.
  }
};
