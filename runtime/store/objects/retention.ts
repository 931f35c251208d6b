/** Objects that were brought and are named by no revision yet: kept from the garbage collector for a while. */
import type { Clock } from '../../host/host.ts';
import type { Store } from '../store.ts';

export interface KeptOptions {
  readonly store: Pick<Store, 'holdObjects'>;
  readonly clock: Clock;
  /** Asked at every object. */
  readonly keptSeconds: () => number;
}

/** @returns a function that keeps an object, or keeps it anew. */
export const keepingFor = ({ store, clock, keptSeconds }: KeptOptions): ((id: string) => void) => {
  const kept = new Map<string, () => void>();
  return (id) => {
    const earlier = kept.get(id);
    const hold = store.holdObjects();
    hold.add([id]);
    const forget = (): void => {
      cancel();
      hold.release();
      if (kept.get(id) === forget) kept.delete(id);
    };
    const cancel = clock.schedule(clock.nowMs() + keptSeconds() * 1000, forget);
    kept.set(id, forget);
    earlier?.();
  };
};
