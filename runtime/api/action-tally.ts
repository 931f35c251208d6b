/** Counts what is done to the device, for `GET /metrics`; cheap enough to run whether somebody asks or not. */
import type { Observable, Subscription } from 'rxjs';
import type { Action } from '../../resources/action.ts';
import type { Event } from '../engine/event.ts';

export interface ActionCount {
  readonly action: Action['type'];
  /** `done`, or the code of the refusal. */
  readonly result: string;
  count: number;
  seconds: number;
}

export interface ActionTally {
  readonly counts: () => readonly Readonly<ActionCount>[];
  readonly stop: () => void;
}

export const tallyActions = (events: Observable<Event>): ActionTally => {
  const counts = new Map<string, ActionCount>();
  const startedAtMs = new Map<string, number>();

  const finish = ({ type, ref }: Action, result: string, atMs: number): void => {
    const key = `${type} ${result}`;
    const count = counts.get(key) ?? { action: type, result, count: 0, seconds: 0 };
    count.count += 1;
    count.seconds += (atMs - (startedAtMs.get(ref) ?? atMs)) / 1000;
    counts.set(key, count);
    startedAtMs.delete(ref);
  };
  const following: Subscription = events.subscribe((event) => {
    if (event.type === 'action.started') startedAtMs.set(event.action.ref, event.atMs);
    else if (event.type === 'action.succeeded') finish(event.action, 'done', event.atMs);
    else if (event.type === 'action.failed') finish(event.action, event.code, event.atMs);
  });
  return { counts: () => [...counts.values()], stop: () => following.unsubscribe() };
};
