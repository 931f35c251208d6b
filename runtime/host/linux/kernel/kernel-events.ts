/**
 * Wakes up when a file of /proc says that it changed: /proc/self/mountinfo and /proc/swaps announce a change as
 * POLLPRI (proc_pid_mounts(5)), which Node cannot wait for by itself. No timer, no thread, no other process.
 *
 * How: an epoll descriptor waits for POLLPRI of the file, and Node for that descriptor (epoll.ts).
 *
 * What does not do: a pipe in that role ends with its first error, and watching the next one would take the kernel's
 * mark of a change away unseen. poll(2) on the thread pool takes one of its four threads for good and delays the exit;
 * a worker with its own ffi costs 10 MB; `findmnt --poll` is one more process and knows no swaps; fanotify reports
 * mounts from Linux 6.15 on; inotify does not report changes of /proc at all.
 */
import { closeSync, openSync } from 'node:fs';
import { Observable } from 'rxjs';
import { refusal } from '../files/file-errors.ts';
import { EPOLLPRI, epollAdd, epollCreate, onReadable } from './epoll.ts';

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
    const file = openSync(path, 'r');
    const epoll = epollCreate();
    epollAdd(epoll, file, EPOLLPRI);
    const close = onReadable(
      epoll,
      () => subscriber.next(),
      (error) => subscriber.error(refusal('watch', path, error)),
    );
    const cancel = afterNextWait(() => subscriber.next());
    return () => {
      cancel();
      close();
      closeSync(file);
    };
  });
