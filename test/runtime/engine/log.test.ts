import { Subject } from 'rxjs';
import { expect, it } from 'vitest';
import { CONVERGED, stall } from '../../../resources/plan.ts';
import type { Ref } from '../../../resources/ref.ts';
import type { Event } from '../../../runtime/engine/event.ts';
import { logEvents } from '../../../runtime/engine/log.ts';
import { rootVolume } from '../../reconcilers/given.ts';

const ROOT: Ref<'volume'> = 'volume/web/root';
const MOUNT = { type: 'volume.mount', ref: ROOT, spec: rootVolume } as const;
const ROLL_BACK = { type: 'update.rollBack', ref: 'update/device', failure: {} } as never;

const bench = () => {
  const events = new Subject<Event>();
  const lines: string[] = [];
  const line =
    (level: string) =>
    ({ ref = '', revision, code = '' }: Readonly<Record<string, string>>, message: string): void =>
      void lines.push([level, ref, revision, code, message].filter((part) => part !== '').join(' '));
  const log = { info: line('info'), warn: line('warn'), error: line('error') } as never; // all that is used of it
  const subscription = logEvents(events, log);
  return {
    lines,
    tell: (...all: readonly Event[]) => {
      for (const event of all) events.next(event);
    },
    subscription,
    events,
  };
};
const desired = (revision: string): Event => ({ type: 'desired.changed', revision, desired: {} });
const failed = (message: string): Event => ({
  ...{ type: 'action.failed', action: MOUNT, reason: 'wanted', atMs: 0, code: 'EIO', message },
});
const succeeded = (action: typeof MOUNT): Event => ({ type: 'action.succeeded', action, reason: 'wanted', atMs: 0 });

it('tells of another revision once', () => {
  const { lines, tell } = bench();
  tell(desired('1'), desired('1'), desired('2'));
  expect(lines).toEqual(['info 1 desired state is 1', 'info 2 desired state is 2']);
});

it('tells what was done, why and in which revision; a rollback as an error', () => {
  const { lines, tell } = bench();
  tell(desired('1'), succeeded(MOUNT), succeeded(ROLL_BACK));
  expect(lines.slice(1)).toEqual([
    'info volume/web/root 1 volume.mount: wanted',
    'error update/device 1 update.rollBack: wanted',
  ]);
});

it('tells a trouble once, until it is another one or over', () => {
  const { lines, tell } = bench();
  tell(failed('no'), failed('no'), failed('other'), succeeded(MOUNT), failed('other'));
  expect(lines).toEqual([
    'error volume/web/root EIO no',
    'error volume/web/root EIO other',
    'info volume/web/root volume.mount: wanted',
    'error volume/web/root EIO other',
  ]);
});

it('tells what cannot be looked at, and what is stalled, and nothing of other plans', () => {
  const { lines, tell } = bench();
  tell(
    { type: 'observation.failed', ref: ROOT, code: 'EIO', message: 'cannot look' },
    {
      type: 'resource.planned',
      plans: [
        [ROOT, stall('no help')],
        ['volume/a/b', CONVERGED],
        ['volume/c/d', undefined],
      ],
    },
    { type: 'action.started', action: MOUNT, reason: 'wanted', because: [], atMs: 0 },
    { type: 'resource.observed', ref: ROOT, status: undefined },
  );
  expect(lines).toEqual(['warn volume/web/root EIO cannot look', 'warn volume/web/root no help']);
});

it('ends with its subscription', () => {
  const { lines, tell, subscription, events } = bench();
  subscription.unsubscribe();
  tell(desired('1'));
  expect([lines, events.observed]).toEqual([[], false]);
});
