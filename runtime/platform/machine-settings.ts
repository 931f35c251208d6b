/** What the configuration and this machine together say about containers, for the daemon and for its rehearsals. */
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import type { Paths } from '../../resources/paths.ts';
import type { Config } from '../config/config.ts';
import { isAppengine } from '../config/init-mode.ts';
import type { Host } from '../host/host.ts';
import { cgroupLayout } from '../host/linux/lxc/cgroups.ts';
import type { RehearsalSettings } from '../rehearsal/present.ts';

/** Twice of each container, in the run directory: what a console says in the time that a daemon needs to start. */
const CONSOLE_LOG_BYTES = 256 << 10;

/** A rehearsal's device has what this machine has. */
export const rehearsalSettings = (host: Host, paths: Paths, { values, trust }: Config): RehearsalSettings => ({
  paths,
  goalsTimeoutSeconds: values.PV_UPDATER_GOALS_TIMEOUT,
  commitDelaySeconds: values.PV_UPDATER_COMMIT_DELAY,
  verityHandlers: values.PV_SECUREBOOT_HANDLERS,
  trust,
  appengine: isAppengine(values.PV_SYSTEM_INIT_MODE),
  rebootTransitions: values.PV_UPDATER_REBOOT,
  lxc: lxcSettings(values),
  zram: host.disks.zramSupported,
  swap: host.disks.swapSupported,
});

export const lxcSettings = (values: Config['values']): RehearsalSettings['lxc'] => ({
  host: { cgroups: cgroupLayout(), firmware: existsSync('/lib/firmware'), ...kernelModules() },
  logLevel: values.PV_LXC_LOG_LEVEL,
  consoleBytes: CONSOLE_LOG_BYTES,
  capture: values.PV_LOG_CAPTURE,
  devLog: values.PV_LOG_AUTO_DEVLOG,
});

const kernelModules = (): { modules?: string } =>
  existsSync(`/lib/modules/${release()}`) ? { modules: release() } : {};
