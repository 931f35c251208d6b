/** The hardware watchdog (Documentation/watchdog/watchdog-api.rst): resets the machine unless it is fed in time. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { hasCode } from '../files/file-errors.ts';
import { ioctl } from './libc.ts';

const WDIOC_SETTIMEOUT = 0xc0045706;

export interface Watchdog {
  feed(): void;
  /** Stops it; drivers built with CONFIG_WATCHDOG_NOWAYOUT go on and reset the machine. */
  stop(): void;
  /** Lets it run on unfed: the machine is reset after its timeout, unless it was switched off or rebooted before. */
  leaveRunning(): void;
}

/** Opening it starts it. @returns undefined: there is none, or another program has it. @throws Error of another kind. */
export const openWatchdog = (timeoutSeconds: number, path = '/dev/watchdog'): Watchdog | undefined => {
  let fd: number;
  try {
    fd = openSync(path, 'w');
  } catch (error) {
    if (['ENOENT', 'ENODEV', 'ENXIO', 'EBUSY'].some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
  const timeout = Buffer.alloc(4);
  timeout.writeInt32LE(timeoutSeconds);
  try {
    ioctl(fd, WDIOC_SETTIMEOUT, timeout);
  } catch {
    // A driver with a fixed timeout; its own is better than none.
  }
  return {
    feed: () => void writeSync(fd, 'k'),
    stop: () => {
      writeSync(fd, 'V'); // the "magic close" of drivers that have it
      closeSync(fd);
    },
    leaveRunning: () => closeSync(fd),
  };
};
