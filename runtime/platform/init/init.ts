/**
 * What init is there for: the daemon of a device of its own (embedded, standalone). Its supervisor does what the exit code
 * says, and starts it again when it fails: docs/init-mode.md.
 */
import type { Config } from '../../config/config.ts';
import { linuxHost } from '../../host/linux/linux-host.ts';
import { linuxContainers } from '../../host/linux/lxc/linux-containers.ts';
import type { Platform } from '../platform.ts';
import { openBootEnvironment, openInPlace } from './boot-environment.ts';
import { startWatchdog } from './watchdog-policy.ts';

const POWER_OFF_EXIT_CODE = 3;
const REBOOT_EXIT_CODE = 4;

export const initPlatform = ({ values, bootloader, booted }: Config): Platform => ({
  mode: values.PV_SYSTEM_INIT_MODE,
  openHost: async ({ paths, onReboot }) =>
    linuxHost({
      paths,
      containers: await linuxContainers({ lxcPath: paths.lxc }),
      restart: () => {
        onReboot();
        return new Promise(() => {});
      },
    }),
  startWatchdog,
  boot: (paths) => ({ bootloader: openInPlace(bootloader, paths), loader: openBootEnvironment(paths, booted) }),
  reboot: () => REBOOT_EXIT_CODE,
  powerOff: () => POWER_OFF_EXIT_CODE,
});
