/**
 * Gives memory back once the device has come to rest.
 *
 * A start or an update leaves garbage behind, which V8 collects only when somebody asks for more memory, and pages that
 * the allocator keeps at hand; a daemon that idles asks for none and would hold them for ever. One timer after the last
 * change, none while nothing changes.
 */
import type { Observable, Subscription } from 'rxjs';
import type { Clock } from '../host/host.ts';

/** Longer than a container takes from one step to the next. */
const CALM_MS = 2_000;

/** Calls `tidy` once nothing was emitted for a while; again only after something was. */
export const onceCalm = (changes: Observable<unknown>, clock: Clock, tidy: () => void): Subscription => {
  let calmAtMs = 0;
  let cancel: (() => void) | undefined;
  const check = (): void => {
    cancel = undefined;
    if (clock.nowMs() < calmAtMs) cancel = clock.schedule(calmAtMs, check);
    else tidy();
  };
  const subscription = changes.subscribe(() => {
    calmAtMs = clock.nowMs() + CALM_MS;
    cancel ??= clock.schedule(calmAtMs, check);
  });
  subscription.add(() => cancel?.());
  return subscription;
};
