/**
 * Run by kernel-events.test.ts in a mount namespace of its own, where nobody else's mounts can wake it and so hide
 * that an event was lost. Prints what it saw as JSON.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { changesOf } from '../../../runtime/host/linux/kernel/kernel-events.ts';

const [probe, target = ''] = process.argv.slice(2);
let count = 0;

const mount = (): unknown => execFileSync('mount', ['-t', 'tmpfs', 'none', target]);
const unmount = (): unknown => execFileSync('umount', [target]);
const follow = (): { unsubscribe(): void } =>
  changesOf('/proc/self/mountinfo').subscribe(() => {
    count += 1;
  });
/** Long enough for an event that comes, short enough for one that does not. */
const settle = (): Promise<void> => sleep(200);
const countAfter = async (change: () => unknown): Promise<number> => {
  const before = count;
  change();
  await settle();
  return count - before;
};

const probes: Readonly<Record<string, () => Promise<unknown>>> = {
  /** How often it wakes: at the start, for a mount, for an unmount, and while nothing happens. */
  counting: async () => {
    const subscription = follow();
    const counts = [
      await countAfter(() => {}),
      await countAfter(mount),
      await countAfter(unmount),
      await countAfter(settle),
    ];
    subscription.unsubscribe();
    return counts;
  },
  /** A change before the event loop had a chance to ask the kernel. */
  atOnce: async () => {
    const subscription = follow();
    const seen = await countAfter(mount);
    subscription.unsubscribe();
    return seen;
  },
  /** A change from within the notification of another one. */
  within: async () => {
    const subscription = changesOf('/proc/self/mountinfo').subscribe(() => {
      count += 1;
      if (count === 2) unmount();
    });
    await settle();
    const seen = await countAfter(mount);
    subscription.unsubscribe();
    return seen;
  },
  /** Descriptors before, during and after a hundred events, and how many events were seen. */
  descriptors: async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    // The first child process opens what Node then keeps.
    for (const change of [mount, unmount]) change();
    await settle();
    const before = open();
    const subscription = follow();
    await settle();
    const during = open();
    for (let round = 0; round < 50; round += 1) {
      for (const change of [mount, unmount]) {
        const seen = count;
        change();
        while (count === seen) await sleep(1);
      }
    }
    const later = open();
    subscription.unsubscribe();
    await settle();
    return { grown: later - during, left: open() - before };
  },
};

console.log(JSON.stringify(await probes[probe ?? '']?.()));
