/**
 * LXC's monitor FIFO: every monitor below our lxcpath writes its states and init's exit status into it, one message of
 * 264 bytes `{i32 type, char name[256], i32 value}` at a time (src/lxc/monitor.h).
 *
 * While anybody keeps it open, messages wait in it; so ends that happen without a daemon are read by the next one
 * (monitor-holder.ts). Nobody else may read it: `lxc-monitor -P` on our lxcpath would take messages away.
 */
import { constants, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Exit } from '../../../../resources/kinds/container.ts';
import { DeviceError } from '../../host.ts';
import { attempt, hasCode } from '../files/file-errors.ts';
import { fcntl, mkfifo } from '../kernel/libc.ts';
import { LXC_STATES, type LxcState } from './command-socket.ts';
import { fifoDirectory, isContainerName } from './lxc-names.ts';

export type MonitorMessage =
  | { readonly type: 'state'; readonly name: string; readonly state: LxcState }
  | { readonly type: 'exit'; readonly name: string; readonly exit: Exit };

export interface MonitorFifo {
  readonly path: string;
  readonly fd: number;
  /** Resolves when every message written before this call has been handed out. */
  drained(): Promise<void>;
  /** Puts back an exit that nobody took, for the next daemon. */
  giveBack(name: string, exit: Exit): void;
  close(): void;
}

const MESSAGE_BYTES = 264;
const NAME_BYTES = 256;
const TYPE = { state: 0, exit: 2, mark: 0x7076 } as const;
/** Monitors write blocking. 1 MiB holds the messages of about 600 container lives without a daemon. */
const F_SETPIPE_SZ = 1031;
const PIPE_BYTES = 1 << 20;

const encode = (type: number, name: string, value: number): Buffer => {
  const bytes = Buffer.alloc(MESSAGE_BYTES);
  bytes.writeInt32LE(type, 0);
  bytes.write(name, 4, NAME_BYTES - 1);
  bytes.writeInt32LE(value, 4 + NAME_BYTES);
  return bytes;
};

/** wait(2): the low seven bits are the signal, the next byte the code. */
export const exitOf = (waitStatus: number): Exit => {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? { type: 'code', code: (waitStatus >> 8) & 0xff } : { type: 'signal', signal };
};

const waitStatusOf = (exit: Exit): number =>
  exit.type === 'code' ? exit.code << 8 : exit.type === 'signal' ? exit.signal : 0;

const decode = (bytes: Buffer): { type: number; name: string; value: number } => {
  const end = bytes.indexOf(0, 4);
  return {
    type: bytes.readInt32LE(0),
    name: bytes.toString('utf8', 4, end < 0 ? 4 + NAME_BYTES : Math.min(end, 4 + NAME_BYTES)),
    value: bytes.readInt32LE(4 + NAME_BYTES),
  };
};

const openFifo = (lxcPath: string): { path: string; fd: number } => {
  const path = `${fifoDirectory(lxcPath)}/monitor-fifo`;
  mkdirSync(fifoDirectory(lxcPath), { recursive: true, mode: 0o755 });
  try {
    mkfifo(path, 0o600);
  } catch (error) {
    if (!(error instanceof DeviceError && error.code === 'EEXIST')) throw error;
  }
  // For reading and writing, so that it has no end of file whenever the last monitor goes.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  if (!fstatSync(fd).isFIFO()) throw new DeviceError('lxc.fifo', path, 'EEXIST', 'not a FIFO; remove it');
  fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
  return { path, fd };
};

/** @throws DeviceError */
export const openMonitorFifo = (lxcPath: string, onMessage: (message: MonitorMessage) => void): Promise<MonitorFifo> =>
  attempt('lxc.fifo', lxcPath, async () => {
    const { path, fd } = openFifo(lxcPath);
    const reader = new Socket({ fd, readable: true, writable: false });
    // Marks of an earlier daemon may still be in there; its numbers are not ours.
    const marks = new Map<string, () => void>();
    const session = `${process.pid}.${process.hrtime.bigint()}`;
    let count = 0;

    const handle = ({ type, name, value }: ReturnType<typeof decode>): void => {
      if (type === TYPE.mark) {
        marks.get(name)?.();
        marks.delete(name);
      } else if (isContainerName(name)) {
        const state = LXC_STATES[value];
        if (type === TYPE.exit) onMessage({ type: 'exit', name, exit: exitOf(value) });
        else if (type === TYPE.state && state !== undefined) onMessage({ type: 'state', name, state });
      }
    };

    const writeMark = (mark: string): void => {
      try {
        writeSync(fd, encode(TYPE.mark, mark, 0));
      } catch (error) {
        // Full to the brim: there will be room when some of it has been read.
        if (!hasCode(error, 'EAGAIN')) throw error;
        reader.once('data', () => writeMark(mark));
      }
    };

    let rest = Buffer.alloc(0);
    reader.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= MESSAGE_BYTES) {
        const message = decode(rest);
        rest = rest.subarray(MESSAGE_BYTES);
        handle(message);
      }
    });
    return {
      path,
      fd,
      drained: () =>
        new Promise((resolve) => {
          count += 1;
          const mark = `${session}.${count}`;
          marks.set(mark, resolve);
          writeMark(mark);
        }),
      giveBack: (name, exit) => {
        writeSync(fd, encode(TYPE.exit, name, waitStatusOf(exit)));
      },
      close: () => {
        reader.destroy();
        for (const resolve of marks.values()) resolve();
      },
    };
  });
