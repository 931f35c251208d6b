/** Waiting until a device that is being taken down has nothing left. */

import { UPDATE } from '../../resources/kinds/update.ts';
import type { Ref } from '../../resources/ref.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { Loop } from '../engine/loop.ts';
import type { Clock } from '../host/host.ts';

export const leftOver = ({ observed }: Snapshot): Ref[] =>
  (Object.keys(observed) as Ref[]).filter((ref) => ref !== UPDATE);

/** Resolves when nothing is left, or after `limitMs`. */
export const settled = (loop: Loop, clock: Clock, limitMs: number): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.schedule(clock.nowMs() + limitMs, resolve);
  const subscription = loop.snapshots.subscribe((snapshot) => {
    if (leftOver(snapshot).length === 0) resolve();
  });
  return promise.finally(() => {
    cancel();
    subscription.unsubscribe();
  });
};
