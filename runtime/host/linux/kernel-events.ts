/**
 * Wakes up when a file of /proc says that it changed: /proc/self/mountinfo and /proc/swaps announce a change as
 * POLLPRI (proc_pid_mounts(5)), which Node cannot wait for by itself. No timer, no thread, no other process.
 *
 * How: an epoll descriptor can be waited for like any other. One that waits for POLLPRI of the file takes the place of
 * a datagram socket that Node watches for input. When the file changes it becomes readable, Node tries to receive,
 * is told ENOTSOCK and reports that as the socket's `error`: the wake-up. The socket stays, ready for the next.
 *
 * What does not do: a pipe in that role ends with its first error, and watching the next one would take the kernel's
 * mark of a change away unseen. poll(2) on the thread pool takes one of its four threads for good and delays the exit;
 * a worker with its own ffi costs 10 MB; `findmnt --poll` is one more process and knows no swaps; fanotify reports
 * mounts from Linux 6.15 on; inotify does not report changes of /proc at all.
 */
import { createSocket, type Socket } from 'node:dgram';
import { closeSync, openSync } from 'node:fs';
import { Observable } from 'rxjs';
import { datagramSocket, dup3, epollAdd, epollCreate } from './libc.ts';
import { hasCode, refusal } from './refusal.ts';

const EPOLLPRI = 0x2;

/** A socket that reports the error ENOTSOCK whenever `path` changed. */
const socketOn = (path: string): { socket: Socket; close(): void } => {
  const file = openSync(path, 'r');
  const epoll = epollCreate();
  epollAdd(epoll, file, EPOLLPRI);
  const fd = datagramSocket();
  const socket = createSocket('udp4');
  // Node asks the kernel for its events in the next round of the event loop only: by then it is the epoll descriptor.
  socket.bind({ fd });
  dup3(epoll, fd);
  socket.unref();
  const close = (): void => {
    socket.close();
    closeSync(epoll);
    closeSync(file);
  };
  return { socket, close };
};

/**
 * Runs `callback` once the event loop has waited for its descriptors at least once. The first round may be on its way
 * already, so it takes two. @returns how to cancel it.
 */
const afterNextWait = (callback: () => void): (() => void) => {
  let immediate = setImmediate(() => {
    immediate = setImmediate(callback);
  });
  return () => clearImmediate(immediate);
};

/**
 * Emits once soon after the subscription, and then after every change; changes in quick succession become one.
 * The first emission stands for whatever happened before the kernel was asked, so that nothing is missed.
 */
export const changesOf = (path: string): Observable<void> =>
  new Observable((subscriber) => {
    const { socket, close } = socketOn(path);
    socket.on('error', (error) => {
      if (hasCode(error, 'ENOTSOCK')) subscriber.next();
      else subscriber.error(refusal('watch', path, error));
    });
    const cancel = afterNextWait(() => subscriber.next());
    return () => {
      cancel();
      close();
    };
  });
