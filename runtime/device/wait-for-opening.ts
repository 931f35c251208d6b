import type { Clock } from '../host/host.ts';

/** Opening hangs with the storage that it reads; containers must not wait for that. */
const LIMIT_MS = 1_000;

/** Calls back when it is opened, or took too long. */
export const onceOpened = (opened: Promise<void>, clock: Clock, callback: () => void): void => {
  const cancel = clock.schedule(clock.nowMs() + LIMIT_MS, callback);
  void opened.then(() => {
    cancel();
    callback();
  });
};
