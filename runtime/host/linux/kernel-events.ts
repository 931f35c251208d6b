/**
 * Wakes up when a file of /proc says that it changed: /proc/self/mountinfo and /proc/swaps announce a change as
 * POLLPRI (proc_pid_mounts(5)), which Node cannot wait for by itself. No timer, no thread, no other process.
 *
 * How: epoll descriptors can be waited for like any other. One that waits for POLLPRI of the file is put in the place
 * of a pipe that Node already watches for input. When it becomes readable, Node reads from it, which an epoll
 * descriptor refuses with EINVAL: that is the wake-up. The pipe's socket is spent by it; the next takes its place.
 *
 * What else was considered: poll(2) on the thread pool takes one of its four threads for good and delays the exit;
 * a worker with its own ffi costs 10 MB; `findmnt --poll` is one more process and knows no swaps; fanotify reports
 * mounts from Linux 6.15 on; inotify does not report changes of /proc at all.
 */
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Observable } from 'rxjs';
import { dup3, epollAdd, epollCreate, pipe } from './libc.ts';
import { hasCode, refusal } from './refusal.ts';

const EPOLLPRI = 0x2;

/** A socket that ends with the error EINVAL once `epoll` has an event. */
const socketOn = (epoll: number): Socket => {
  const { readEnd, writeEnd } = pipe();
  try {
    // Paused, or Node would ask for the pipe's events before it is replaced.
    const socket = new Socket({ fd: readEnd, readable: true, writable: false });
    dup3(epoll, readEnd);
    return socket.resume().unref();
  } finally {
    closeSync(writeEnd);
  }
};

/**
 * Emits after each change of the file since the subscription; changes in quick succession become one.
 * `onReady` is called on subscription, once nothing can be missed any more.
 */
export const changesOf = (path: string, onReady: () => void = () => {}): Observable<void> =>
  new Observable((subscriber) => {
    const file = openSync(path, 'r');
    const epoll = epollCreate();
    epollAdd(epoll, file, EPOLLPRI);
    let socket: Socket;
    const arm = (): void => {
      socket = socketOn(epoll);
      socket.once('error', (error) => {
        if (!hasCode(error, 'EINVAL')) subscriber.error(refusal('watch', path, error));
      });
      socket.once('close', () => {
        if (subscriber.closed) return;
        // Before telling: whatever happens from now on wakes the next socket.
        arm();
        subscriber.next();
      });
    };
    arm();
    onReady();
    return () => {
      socket.destroy();
      closeSync(epoll);
      closeSync(file);
    };
  });
