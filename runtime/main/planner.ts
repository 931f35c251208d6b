/** Plans for the device of this daemon: one rehearsal at a time, from its own snapshot. */
import type { Host } from '../host/host.ts';
import type { RehearsalSettings } from '../rehearsal/present.ts';
import type { PlanReport } from '../rehearsal/report.ts';
import { lookUpOn, presentOfRunning } from '../rehearsal/running.ts';
import { stateHash } from '../store/hash.ts';
import type { Device } from './device.ts';

/** @returns undefined: no revision was read yet. @throws Rejection when the document is no valid state. */
export type Planner = (document: Uint8Array | undefined) => Promise<PlanReport | undefined>;

const PREFIX_LENGTH = 12;

export const plannerFor = (device: Device, host: Host, settings: RehearsalSettings): Planner => {
  let previous: Promise<unknown> = Promise.resolve();

  const plan: Planner = async (document) => {
    const present = await presentOfRunning({
      snapshot: device.loop.latest(),
      store: device.store,
      intents: device.intents(),
      nowMs: host.clock.nowMs(),
      settings,
    });
    if (present === undefined) return undefined;
    // Nearly all daemons never rehearse.
    const { planFor } = await import('./plan.ts');
    const proposed = document && { revision: nameFor(document), document, objects: new Map<string, number>() };
    return planFor(present, lookUpOn(host, settings.paths), proposed);
  };
  return (document) => {
    const next = previous.then(() => plan(document));
    previous = next.catch(() => undefined); // its caller has the error; the next one is not concerned
    return next;
  };
};

/** A name that no revision of the device has: whoever asks has not chosen one. */
const nameFor = (document: Uint8Array): string => {
  try {
    return `locals/plan-${stateHash(document).slice(0, PREFIX_LENGTH)}`;
  } catch {
    return 'locals/plan'; // not JSON: it is refused, with every problem, when it is read
  }
};
