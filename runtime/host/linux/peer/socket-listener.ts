/** A listening unix socket that is accepted from in its turn (readiness.ts). */
import { closeSync, rmSync } from 'node:fs';
import type { Readiness } from '../kernel/readiness.ts';
import { acceptFrom, listenAt, refuseDescriptors } from './unix-sockets.ts';

/** A slice is for others as well. */
const ACCEPTS_AT_ONCE = 4;
/** Out of descriptors or memory: asking again at once would not help. */
const SHORTAGE_MS = 200;

export interface ListenerOptions {
  readonly path: string;
  readonly mode: number;
  /** Whether clients may send descriptors. */
  readonly takesDescriptors: boolean;
  readonly readiness: Readiness;
}

/** @param onConnection has the descriptor from then on. @throws DeviceError @returns how to end it, which removes the file. */
export const openListener = (
  { path, mode, takesDescriptors, readiness }: ListenerOptions,
  onConnection: (fd: number) => void,
): (() => void) => {
  const listener = listenAt(path, mode);
  if (!takesDescriptors) refuseDescriptors(listener);
  let shortage: NodeJS.Timeout | undefined;

  const accept = (): void => {
    for (let count = 0; count < ACCEPTS_AT_ONCE; count += 1) {
      const fd = acceptFrom(listener);
      if (fd === 'EAGAIN' || fd === 'ECONNABORTED') return;
      if (typeof fd === 'string') {
        readiness.remove(listener);
        later();
        return;
      }
      onConnection(fd);
    }
  };
  const listen = (): void => {
    shortage = undefined;
    if (!readiness.add(listener, accept)) later();
  };
  const later = (): void => {
    shortage = setTimeout(listen, SHORTAGE_MS);
  };

  listen();
  return () => {
    if (shortage === undefined) readiness.remove(listener);
    clearTimeout(shortage);
    closeSync(listener);
    rmSync(path, { force: true });
  };
};
