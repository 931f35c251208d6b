/**
 * LXC's command socket: how a container's monitor is asked. One command per connection, 16 bytes
 * `{i32 command, i32 dataLength, u64 data}` each way (src/lxc/commands.c).
 *
 * A monitor that is gone, or goes while it is asked, is no error but `undefined`; so is a listener that is not it.
 */
import { connect, type Socket } from 'node:net';
import { DeviceError } from '../../host.ts';
import { setsockopt } from '../kernel/libc.ts';
import { type Peer, peerOf, socketFd } from '../peer/peer.ts';

export const COMMAND = {
  stop: 2,
  getState: 3,
  getInitPid: 4,
  addStateClient: 10,
  serveStateClients: 12,
} as const;

/** Values of lxc_state_t, in its order. */
export const LXC_STATES = [
  'STOPPED',
  'STARTING',
  'RUNNING',
  'STOPPING',
  'ABORTING',
  'FREEZING',
  'FROZEN',
  'THAWED',
] as const;
export type LxcState = (typeof LXC_STATES)[number];

const HEADER_BYTES = 16;
const SOL_SOCKET = 1;
const SO_PASSCRED = 16;

/** Nobody listens (any more), or the listener went away with our connection in its queue. */
const GONE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE']);

const message = (command: number, value: number, payload = Buffer.alloc(0)): Buffer => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(command, 0);
  header.writeInt32LE(payload.length, 4);
  header.writeBigInt64LE(BigInt(value), 8);
  return Buffer.concat([header, payload]);
};

/** Whether a process that listens at the address is the monitor. Any process in our network namespace can listen there. */
export type IsMonitor = (peer: Peer | undefined) => boolean;

/** A listener that is not the monitor is told nothing: the connection closes. */
const open = (address: string, content: Buffer, isMonitor: IsMonitor): Socket => {
  const socket = connect({ path: address });
  socket.once('connect', () => {
    if (!isMonitor(peerOf(socket))) {
      socket.destroy();
      return;
    }
    // The monitor wants credentials with every command. Set on our side before anything is sent, they never lack.
    const one = Buffer.alloc(4);
    one.writeInt32LE(1);
    setsockopt(socketFd(socket), SOL_SOCKET, SO_PASSCRED, one);
    socket.write(content);
  });
  return socket;
};

/**
 * Asks a monitor. A monitor that is starting up answers only when init runs.
 * @returns the answer's value (state, pid), or undefined when no monitor is there.
 * @throws DeviceError TIMEOUT when it is there but silent; EPROTO when it refuses.
 */
export const askMonitor = (
  address: string,
  command: number,
  options: { readonly isMonitor: IsMonitor; readonly value?: number; readonly timeoutMs?: number },
): Promise<number | undefined> => {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const subject = address.slice(1);
  const socket = open(address, message(command, options.value ?? 0), options.isMonitor);
  let answer = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    answer = Buffer.concat([answer, bytes]);
    if (answer.length < HEADER_BYTES) return;
    const refused = answer.readInt32LE(0);
    socket.destroy();
    if (refused < 0) reject(new DeviceError('lxc.command', subject, 'EPROTO', `command ${command}: ${refused}`));
    else resolve(Number(answer.readBigInt64LE(8)));
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (GONE.has(error.code ?? '')) resolve(undefined);
    else reject(new DeviceError('lxc.command', subject, error.code ?? 'EIO', error.message));
  });
  socket.on('close', () => resolve(undefined));
  if (options.timeoutMs !== undefined) {
    socket.setTimeout(options.timeoutMs, () => {
      reject(new DeviceError('lxc.command', subject, 'TIMEOUT', `no answer in ${options.timeoutMs} ms`));
      socket.destroy();
    });
  }
  return promise;
};

/**
 * Stays connected to a monitor, which is the surest sign of its end: the kernel closes the connection whatever kills
 * it. `onEnd` is called once, also when there was no monitor to begin with.
 */
export const watchMonitor = (address: string, isMonitor: IsMonitor, onEnd: () => void): Socket => {
  // As a state client that waits for no state at all.
  const noStates = Buffer.alloc(4 * LXC_STATES.length);
  const socket = open(address, message(COMMAND.addStateClient, 0, noStates), isMonitor);
  socket.on('error', () => socket.destroy()); // what went wrong does not matter: 'close' follows
  socket.on('end', () => socket.destroy());
  socket.resume();
  socket.once('close', onEnd);
  return socket;
};
