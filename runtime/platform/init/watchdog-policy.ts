/**
 * When the hardware watchdog runs, by `PV_WDT_MODE`: `startup` from the start of the daemon until it is ready, `always`
 * from then on too, and each of them, like `shutdown`, from the moment when the device goes down for a reboot.
 */
import type { ConfigValues } from '../../config/keys.ts';
import { openWatchdog, type Watchdog } from '../../host/linux/kernel/watchdog.ts';

export interface WatchdogPolicy {
  ready(): void;
  /** The machine is reset, should it hang before it boots again. */
  rebooting(): void;
  stop(): void;
}

/** A feeding may come late on a busy machine. */
const FEEDINGS_PER_TIMEOUT = 3;

export const startWatchdog = (
  values: Pick<ConfigValues, 'PV_WDT_MODE' | 'PV_WDT_TIMEOUT'>,
  open: (timeoutSeconds: number) => Watchdog | undefined = openWatchdog,
): WatchdogPolicy => {
  const { PV_WDT_MODE: mode, PV_WDT_TIMEOUT: timeoutSeconds } = values;
  const isEarly = mode === 'startup' || mode === 'always';
  let watchdog = isEarly ? open(timeoutSeconds) : undefined;
  const feeding = watchdog && setInterval(watchdog.feed, (timeoutSeconds * 1000) / FEEDINGS_PER_TIMEOUT);
  return {
    ready: () => {
      if (mode === 'always') return;
      clearInterval(feeding);
      watchdog?.stop();
      watchdog = undefined;
    },
    rebooting: () => {
      clearInterval(feeding);
      if (mode === 'disabled') return;
      watchdog ??= open(timeoutSeconds);
      watchdog?.feed();
      watchdog?.leaveRunning();
      watchdog = undefined;
    },
    stop: () => {
      clearInterval(feeding);
      watchdog?.stop();
      watchdog = undefined;
    },
  };
};
