/** The clocks of the kernel. Timers never keep the process alive: what has a deadline also has a socket or a watcher. */
import type { Clock } from '../../host.ts';

/** setTimeout holds its delay in a signed 32-bit integer and fires at once beyond that. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** hrtime is CLOCK_MONOTONIC: it counts from the boot and does not see clock changes. */
const nowMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

const schedule = (atMs: number, callback: () => void): (() => void) => {
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const delayMs = Math.max(0, Math.ceil(atMs - nowMs()));
    timer = setTimeout(wake, Math.min(delayMs, LONGEST_TIMEOUT_MS)).unref();
  };
  // The event loop's own clock is rounded down, so that a timer may fire just before its time.
  const wake = (): void => (nowMs() < atMs ? arm() : callback());
  arm();
  return () => clearTimeout(timer);
};

/** In the next turn of the event loop: sockets and signals that came meanwhile are served before. */
const soon = (callback: () => void): (() => void) => {
  const turn = setImmediate(callback);
  return () => clearImmediate(turn);
};

export const linuxClock: Clock = { nowMs, wallTime: () => new Date(), schedule, soon };
