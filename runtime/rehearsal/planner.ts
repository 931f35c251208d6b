/**
 * Plans for the device of this daemon, from its own snapshot. A rehearsal is work: it is done in a thread of its own,
 * one at a time and within limits, so that the daemon goes on with what it is there for. The thread has a simulated
 * device only; whatever it has to know of this one it asks for.
 */

import type { Device } from '../device/device.ts';
import type { Host } from '../host/host.ts';
import { inThread, type Thread } from '../threads/thread.ts';
import type { Knowledge, LookUp, Present, Question, RehearsalSettings } from './present.ts';
import { lookUpOn, presentOfRunning } from './present-of-running.ts';
import { Busy } from './rehearsal-queue.ts';

/** @returns a PlanReport as JSON; undefined: no revision was read yet. @throws Rejection, Busy. */
export type Planner = (document: Uint8Array | undefined) => Promise<string | undefined>;

export interface PlanWork {
  readonly present: Present;
  readonly document: Uint8Array | undefined;
}

const MAX_WAITING = 4;
const PLAN: Thread = { name: 'plan', expected: 'a state that can be rehearsed', limitMs: 60_000, memoryMb: 256 };

export const plannerFor = (device: Device, host: Host, settings: RehearsalSettings): Planner => {
  const lookUp = lookUpOn(host, settings.paths);
  let waiting = 0;
  let previous: Promise<unknown> = Promise.resolve();

  const plan: Planner = async (document) => {
    const present = await presentOfRunning({
      snapshot: device.loop.latest(),
      store: device.store,
      intents: device.intents(),
      nowMs: host.clock.nowMs(),
      settings,
    });
    return present === undefined ? undefined : planInThread({ present, document }, lookUp);
  };
  return async (document) => {
    if (waiting >= MAX_WAITING) throw new Busy('Other plans are being made. Try again');
    waiting += 1;
    const next = previous.then(() => plan(document)).finally(() => (waiting -= 1));
    previous = next.catch(() => undefined); // its caller has the error; the next one is not concerned
    return next;
  };
};

/** @throws Rejection when the document is no valid state, or more than can be rehearsed. */
export const planInThread = (work: PlanWork, lookUp: LookUp, limitMs = PLAN.limitMs): Promise<string> =>
  inThread<string, Question, Knowledge>({ ...PLAN, limitMs }, work, lookUp);
