/**
 * What a daemon is on its machine: a program beside another init (appengine), or what that init is there for
 * (embedded, standalone). The supervisor that started it does what its exit code says: docs/init-mode.md.
 */
import type { Paths } from '../../resources/paths.ts';
import { type Config, isAppengine } from '../config/config.ts';
import type { DeviceOptions } from '../device/device.ts';
import { openBootEnvironment, openInPlace } from './init/boot-environment.ts';
import { startWatchdog, type WatchdogPolicy } from './init/watchdog-policy.ts';

export interface Platform extends Pick<DeviceOptions, 'bootloader' | 'loader'> {
  readonly watchdog: WatchdogPolicy;
  /** Ends a daemon whose device is to be rebooted. @returns the exit code, unless the program goes on as another. */
  reboot(): number;
}

/** The supervisor reboots the machine. */
const REBOOT_EXIT_CODE = 4;

const NO_WATCHDOG: WatchdogPolicy = { ready: () => {}, rebooting: () => {}, stop: () => {} };

export const openPlatform = (config: Config, paths: Paths): Platform => {
  const { bootloader, values, booted } = config;
  if (isAppengine(values)) return { bootloader, watchdog: NO_WATCHDOG, reboot: startAfresh };
  return {
    bootloader: openInPlace(bootloader, paths),
    loader: openBootEnvironment(paths, booted),
    watchdog: startWatchdog(values),
    reboot: () => REBOOT_EXIT_CODE,
  };
};

/** The same program in the same process: its supervisor sees it run on. */
const startAfresh = (): never => {
  if (process.execve === undefined) throw new Error('this Node cannot replace itself: start pantavisor again');
  return process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
};
