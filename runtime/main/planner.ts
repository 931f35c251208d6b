/**
 * Plans for the device of this daemon, from its own snapshot. A rehearsal is work: it is done in a thread of its own,
 * one at a time and within limits, so that the daemon goes on with what it is there for. The thread has a simulated
 * device only; whatever it has to know of this one it asks for.
 */
import { Worker } from 'node:worker_threads';
import type { Host } from '../host/host.ts';
import { Busy } from '../rehearsal/busy.ts';
import type { Knowledge, LookUp, Present, Question, RehearsalSettings } from '../rehearsal/present.ts';
import { lookUpOn, presentOfRunning } from '../rehearsal/running.ts';
import { Rejection } from '../store/rejection.ts';
import type { Device } from './device.ts';

/** @returns a PlanReport as JSON; undefined: no revision was read yet. @throws Rejection, Busy. */
export type Planner = (document: Uint8Array | undefined) => Promise<string | undefined>;

export interface ThreadWork {
  readonly present: Present;
  readonly document: Uint8Array | undefined;
}

export type ThreadMessage =
  | { readonly type: 'question'; readonly question: Question }
  | { readonly type: 'report'; readonly text: string }
  | { readonly type: 'rejection'; readonly message: string };

const MAX_WAITING = 4;
const LIMIT_MS = 60_000;
const MEMORY_MB = 256;

// Bundled or not, it lies beside this file.
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './plan-thread.ts' : './plan-thread.mjs', import.meta.url);

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
export const planInThread = (work: ThreadWork, lookUp: LookUp, limitMs = LIMIT_MS): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const worker = new Worker(THREAD, {
    workerData: work,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    execArgv: [],
    env: {},
    name: 'plan',
  });
  const answer = (knowledge: Knowledge): void => worker.postMessage(knowledge);
  const take = (message: ThreadMessage): void => {
    if (message.type === 'question') lookUp(message.question).then(answer).catch(reject);
    else if (message.type === 'report') resolve(message.text);
    else reject(new Rejection(message.message));
  };
  worker.on('message', take);
  worker.once('error', (error: NodeJS.ErrnoException) => reject(explained(error)));
  worker.once('exit', () => reject(new Error('the rehearsal ended without an answer')));
  const timeout = setTimeout(
    () => reject(new Rejection(`expected a state that can be rehearsed in ${limitMs / 1000} s, but it takes longer`)),
    limitMs,
  );
  return promise.finally(() => {
    clearTimeout(timeout);
    return worker.terminate();
  });
};

const explained = (error: NodeJS.ErrnoException): Error =>
  error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new Rejection(`expected a state that can be rehearsed in ${MEMORY_MB} MB, but it takes more`, { cause: error })
    : error;
