/**
 * epoll(7), and how Node waits for such a descriptor: no timer, no thread, no other process.
 *
 * An epoll descriptor can be waited for like any other. It takes the place of a datagram socket that Node watches for
 * input. When it becomes readable, Node tries to receive, is told ENOTSOCK and reports that as the socket's `error`:
 * the wake-up. The socket stays, ready for the next.
 */

import { createSocket, type Socket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { hasCode } from '../files/file-errors.ts';
import { call, datagramSocket, dup3 } from './libc.ts';

export const EPOLLIN = 0x1;
export const EPOLLPRI = 0x2;

const [ADD, DELETE] = [1, 2];
/** struct epoll_event is packed on x86_64 and padded elsewhere. */
const EVENT = process.arch === 'x64' ? { bytes: 12, data: 4 } : { bytes: 16, data: 8 };

/** A new epoll descriptor, closed on exec. */
export const epollCreate = (): number => {
  const EPOLL_CLOEXEC = 0x80000;
  return call('epoll_create1', 'a new epoll', EPOLL_CLOEXEC);
};

/** Adds `fd` to the interest list of `epoll`. @throws DeviceError EPERM for what cannot be waited for, such as a file. */
export const epollAdd = (epoll: number, fd: number, events: number): void => {
  const event = Buffer.alloc(EVENT.bytes);
  event.writeUInt32LE(events);
  event.writeInt32LE(fd, EVENT.data);
  call('epoll_ctl', `fd ${fd}`, epoll, ADD, fd, event);
};

export const epollRemove = (epoll: number, fd: number): void => {
  call('epoll_ctl', `fd ${fd}`, epoll, DELETE, fd, Buffer.alloc(EVENT.bytes));
};

const MAX_READY = 16;
const ready = Buffer.alloc(MAX_READY * EVENT.bytes);

/** Descriptors that are ready now, without waiting; some at a time, each in its turn. */
export const epollReady = (epoll: number): readonly number[] => {
  const count = call('epoll_wait', `fd ${epoll}`, epoll, ready, MAX_READY, 0);
  return Array.from({ length: count }, (_, index) => ready.readInt32LE(index * EVENT.bytes + EVENT.data));
};

/**
 * Calls back in every turn of the event loop in which `epoll` is readable, which is level-triggered, except that the
 * first turn may have begun without it. @returns how to end it; `epoll` is closed then.
 */
export const onReadable = (epoll: number, callback: () => void, onError: (error: Error) => void): (() => void) => {
  const fd = datagramSocket();
  const socket: Socket = createSocket('udp4');
  // Node asks the kernel for its events in the next round of the event loop only: by then it is the epoll descriptor.
  socket.bind({ fd });
  dup3(epoll, fd);
  socket.unref();
  socket.on('error', (error) => {
    if (hasCode(error, 'ENOTSOCK')) callback();
    else onError(error);
  });
  return () => {
    socket.close();
    closeSync(epoll);
  };
};
