/** The only writer of snapshots: Event + Snapshot -> Snapshot. Identity is kept when nothing changed. */
import { type Draft, produce } from 'immer';
import type { Action } from '../../resources/action.ts';
import type { Ref } from '../../resources/ref.ts';
import type { ActionFailure, Snapshot } from '../../resources/snapshot.ts';
import type { Event } from './event.ts';
import { retryDelayMs } from './retry-delay.ts';

export const reduce = (snapshot: Snapshot, event: Event): Snapshot =>
  produce(snapshot, (draft: Draft<Snapshot>) => {
    switch (event.type) {
      case 'desired.changed':
        adoptDesired(draft, snapshot, event);
        return;
      case 'resource.observed':
        if (same(snapshot.observed[event.ref], event.status)) return;
        put(draft.observed, event.ref, event.status);
        return;
      case 'observation.failed':
        return;
      case 'resource.planned':
        for (const [ref, plan] of event.plans) put(draft.plans, ref, plan);
        return;
      case 'action.started': {
        const { action, reason, atMs } = event;
        draft.lastActions[action.ref] = { action: action.type, reason, startedAtMs: atMs };
        return;
      }
      case 'action.succeeded':
        finish(draft, event.action, event.atMs);
        // Even a look at a draft's map copies it.
        if (snapshot.failures[event.action.ref] !== undefined) delete draft.failures[event.action.ref];
        return;
      case 'action.failed':
        finish(draft, event.action, event.atMs);
        draft.failures[event.action.ref] = nextFailure(snapshot.failures[event.action.ref], event);
        return;
      default:
        event satisfies never;
    }
  });

/** A change of desired state pre-empts backoff: what failed under the old one starts with a clean slate. */
const adoptDesired = (
  draft: Draft<Snapshot>,
  snapshot: Snapshot,
  event: Extract<Event, { type: 'desired.changed' }>,
): void => {
  const otherRevision = event.revision !== snapshot.revision;
  for (const ref of Object.keys(snapshot.failures) as Ref[]) {
    if (otherRevision || snapshot.desired[ref] !== event.desired[ref]) delete draft.failures[ref];
  }
  if (otherRevision) draft.plans = {};
  draft.revision = event.revision;
  draft.desired = event.desired as Draft<Snapshot>['desired']; // frozen on assignment, never edited in place
};

const put = <T>(record: Record<Ref, Draft<T>>, ref: Ref, value: T | undefined): void => {
  if (value === undefined) delete record[ref];
  else record[ref] = value as Draft<T>; // as above
};

const finish = (draft: Draft<Snapshot>, { ref }: Action, atMs: number): void => {
  const last = draft.lastActions[ref];
  if (last !== undefined) last.finishedAtMs = atMs;
};

const nextFailure = (
  previous: ActionFailure | undefined,
  { action, atMs, code, message }: Extract<Event, { type: 'action.failed' }>,
): ActionFailure => {
  const attempts = previous?.action === action.type ? previous.attempts + 1 : 1;
  return { action: action.type, attempts, code, message, retryAtMs: atMs + retryDelayMs(attempts) };
};

/** Statuses are small JSON values, built by one function each: equal text means equal value. */
const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
