/**
 * Many descriptors that Node has no use for (listening sockets that are accepted from in their turn, pipes and
 * terminals that others handed over), waited for together and served within limits.
 *
 * Each turn of the event loop gives them `SLICE_MS`; when that is used up, they rest for as long. So whatever
 * containers send, the rest of the daemon has half of the processor, and never waits for longer than one slice and
 * one piece of work. Without anything to read there is no timer and no wake-up.
 */
import { closeSync } from 'node:fs';
import { DeviceError } from '../../host.ts';
import { EPOLLIN, epollAdd, epollCreate, epollReady, epollRemove, onReadable } from './epoll.ts';

export interface Readiness {
  /**
   * `work` is called whenever `fd` has something to read, until it is removed. It does one small piece, and must not
   * throw. False: the kernel cannot wait for it, or has no memory for that.
   */
  add(fd: number, work: () => void): boolean;
  /** Must be called before `fd` is closed. */
  remove(fd: number): void;
  /** Removes all; descriptors stay open. */
  close(): void;
}

const SLICE_MS = 2;
const REST_MS = 2;

export const openReadiness = (onBug: (error: unknown) => void): Readiness => {
  const works = new Map<number, () => void>();
  const all = epollCreate();
  // The one that Node waits for; taking `all` out of it is the rest.
  const outer = epollCreate();
  epollAdd(outer, all, EPOLLIN);
  let resting: NodeJS.Timeout | undefined;

  const rest = (): void => {
    epollRemove(outer, all);
    resting = setTimeout(() => {
      resting = undefined;
      epollAdd(outer, all, EPOLLIN);
    }, REST_MS);
  };

  const serve = (): void => {
    if (resting !== undefined) return;
    const endMs = performance.now() + SLICE_MS;
    while (performance.now() < endMs) {
      const ready = epollReady(all);
      if (ready.length === 0) return;
      for (const fd of ready) works.get(fd)?.();
    }
    rest();
  };

  const stop = onReadable(outer, serve, onBug);
  return {
    add: (fd, work) => {
      try {
        epollAdd(all, fd, EPOLLIN);
      } catch (error) {
        if (error instanceof DeviceError) return false;
        throw error;
      }
      works.set(fd, work);
      return true;
    },
    remove: (fd) => {
      if (works.delete(fd)) epollRemove(all, fd);
    },
    close: () => {
      clearTimeout(resting);
      works.clear();
      stop();
      closeSync(all);
    },
  };
};
