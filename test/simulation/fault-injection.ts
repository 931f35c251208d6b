/** What somebody else does to a simulated device, by name, and how it is undone when only he could. */

import type { SimulatedHost } from '../../runtime/host/simulated/simulated.ts';
import { Refusal } from '../../runtime/host/simulated/simulated-error.ts';
import { settled } from '../scenarios/settled.ts';
import type { MischiefName, Step } from './course.ts';
import { NAMES } from './model.ts';

const VOLUMES = ['root.squashfs', 'lxc-overlay', 'scratch', 'data.squashfs'];
const PLENTY_BYTES = 512 * 1024 * 1024;

type Deed = (host: SimulatedHost, container: string, volume: string) => void;

const DEEDS: Readonly<Record<MischiefName, Deed>> = {
  unmount: ({ mischief }, container, volume) => mischief.unmount(`/volumes/${container}/${volume}`),
  mountOver: ({ mischief }, container, volume) => mischief.mountOver(`/volumes/${container}/${volume}`),
  detachLoop: ({ mischief }, container) => mischief.detachLoop(`/volumes/${container}/root.squashfs`),
  enter: ({ mischief }, container, volume) => mischief.enter(`/volumes/${container}/${volume}`),
  kill: ({ mischief }, container) => mischief.kill(container),
  killMonitor: ({ mischief }, container) => mischief.killMonitor(container),
  freeze: ({ mischief }, container) => mischief.freeze(container),
  swapOff: ({ mischief }) => {
    for (const path of ['/dev/zram0', '/dev/zram1', '/storage/swapfile']) mischief.swapOff(path);
  },
  removeStorage: ({ mischief }, container) => mischief.removeTree(`/storage/disks/perm/${container}`),
  removeUpper: ({ mischief }, container) => mischief.removeTree(`/volumes/${container}/lxc-overlay/upper`),
  removeLxc: ({ mischief }, container) => mischief.removeTree(`/run/pantavisor/lxc/${container}`),
  fillStorage: ({ mischief }) => mischief.leaveFree('/storage', 0),
  setWallTime: ({ mischief }) => mischief.setWallTime(new Date(0)),
};

const typeAt = async (host: SimulatedHost, target: string): Promise<string | undefined> =>
  (await settled(host, host.operator.mounts.at(target)))?.type;

export const doMischief = (
  host: SimulatedHost,
  { deed, container, volume }: Extract<Step, { type: 'mischief' }>,
  covered: string[],
): void => {
  try {
    DEEDS[deed](host, container, volume);
    if (deed === 'mountOver') covered.push(`/volumes/${container}/${volume}`);
  } catch (error) {
    // The kernel refuses some of it: a tree with mounts inside is not removed.
    if (!(error instanceof Refusal)) throw error;
  }
};

export const makeAmends = async (host: SimulatedHost, covered: readonly string[]): Promise<void> => {
  const { mischief } = host;
  // A tmpfs of ours may go with them: the daemon knows how to help itself.
  for (const target of covered) if ((await typeAt(host, target)) === 'tmpfs') mischief.unmount(target);
  // A loop device without its file: nobody can say any more what that was.
  for (const target of await settled(host, host.operator.mounts.below('/volumes'))) {
    if ((await typeAt(host, target)) === 'foreign') mischief.unmount(target);
  }
  mischief.leaveFree('/storage', PLENTY_BYTES);
  for (const container of NAMES) {
    for (const volume of VOLUMES) mischief.leave(`/volumes/${container}/${volume}`);
  }
};
