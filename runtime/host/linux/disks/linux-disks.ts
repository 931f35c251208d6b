/**
 * The disk half of the port: what block devices and files hold, making them, swap and zram.
 *
 * In: paths of devices and files. Out: their contents, file systems where there was nothing, active swap areas.
 * Must never: write to a device whose contents it could not read or did recognise.
 */
import type { Disks } from '../../host.ts';
import { allocate, format } from './format.ts';
import { contents } from './probe.ts';
import { isSwapSupported, swapChanges, swapOff, swapOn, swaps } from './swap.ts';
import { isZramSupported, zramCreate, zramRemove } from './zram.ts';

export const linuxDisks: Disks = {
  contents,
  allocate,
  format,
  zramCreate,
  zramRemove,
  // Asked each time: a module may be loaded while we run.
  get zramSupported() {
    return isZramSupported();
  },
  get swapSupported() {
    return isSwapSupported();
  },
  swaps,
  swapOn,
  swapOff,
  swapChanges,
};
