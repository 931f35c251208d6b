/** Beside the init of another system: a reboot is the same program once more, and switching off is left to that init. */

import { linuxHost } from '../host/linux/linux-host.ts';
import { linuxContainers } from '../host/linux/lxc/linux-containers.ts';
import type { Platform } from './platform.ts';

/** Whoever started us may switch the machine off. */
const POWER_OFF_EXIT_CODE = 3;

export const appengine: Platform = {
  mode: 'appengine',
  openHost: async ({ paths, onReboot }) =>
    linuxHost({
      paths,
      containers: await linuxContainers({ lxcPath: paths.lxc }),
      restart: () => {
        onReboot();
        return new Promise(() => {});
      },
    }),
  startWatchdog: () => ({ ready: () => {}, rebooting: () => {}, stop: () => {} }),
  boot: () => ({}),
  // The same program in the same process: whoever supervises it sees it run on.
  reboot: () => {
    if (process.execve === undefined) throw new Error('this Node cannot replace itself: start pantavisor again');
    return process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  },
  powerOff: () => POWER_OFF_EXIT_CODE,
};
