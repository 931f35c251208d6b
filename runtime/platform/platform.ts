/** What the daemon runs on: how it gets a host, and how it ends there. One implementation for each init mode. */
import type { Paths } from '../../resources/paths.ts';
import type { InitMode } from '../config/init-mode.ts';
import type { ConfigValues } from '../config/keys.ts';
import type { DeviceOptions } from '../device/device.ts';
import type { Host } from '../host/host.ts';
import type { WatchdogPolicy } from './init/watchdog-policy.ts';

export interface Platform {
  readonly mode: InitMode;
  /** @param onReboot the device is taken down, and is to boot: everything stops, then `reboot` is called */
  openHost(options: { readonly paths: Paths; readonly onReboot: () => void }): Promise<Host>;
  /** Before anything else; stopped after everything else. */
  startWatchdog(values: ConfigValues): WatchdogPolicy;
  /** Where the boot variables are, and what boots the device; default: a file, and the daemon itself. */
  boot(paths: Paths): Pick<DeviceOptions, 'bootloader' | 'loader'>;
  /** Boots, once every part has stopped. Does not return, unless it cannot. */
  reboot(): Promise<number> | number;
  /** Switches the device off, once everything is taken down. @returns the exit code, where the process goes on to exit */
  powerOff(): Promise<number> | number;
}
