import { describe, expect, it } from 'vitest';
import type { UpdateStatus } from '../../../resources/kinds/update.ts';
import { act, CONVERGED, stall, waitFor } from '../../../resources/plan.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';
import { nextConditions } from '../../../runtime/api/conditions.ts';
import { container, exited, snapshotOf } from './fixture.ts';

const T0 = new Date('2024-05-01T00:00:00Z');
const T1 = new Date('2024-05-01T00:01:00Z');

const web = (changes: Partial<Snapshot> = {}, spec = {}): Snapshot => snapshotOf([container('web', spec)], [], changes);
const remove = act({ type: 'container.remove', ref: 'container/web' }, 'not wanted');
const refusal = {
  code: 'EBUSY',
  message: 'unmount /v: EBUSY',
  attempts: 3,
  retryAtMs: 0,
  action: 'volume.unmount',
} as const;
const update = (changes: Partial<UpdateStatus>): UpdateStatus => ({
  committed: { revision: '0', hash: 'a' },
  failures: {},
  ...changes,
});
const trial = { revision: 'locals/a', hash: 'h', fallback: '0', startedAtMs: 0, interrupted: false };
const refused = {
  revision: 'locals/b',
  hash: 'h',
  status: 'ERROR',
  message: 'Status goal not reached',
  detail: 'web is STARTED',
} as const;
const proposed = (hash: string): Partial<Snapshot> => ({
  ...web(),
  desired: { ...web().desired, 'update/device': { revision: 'locals/b', hash } },
  observed: { 'update/device': update({ failures: { 'locals/b': refused } }) },
  plans: { 'container/web': CONVERGED, 'update/device': CONVERGED },
});

describe('conditions of a snapshot', () => {
  it.each<[string, Snapshot, string]>([
    ['without a revision', EMPTY_SNAPSHOT, 'Unknown Starting, Unknown Starting, Unknown Starting'],
    ['where all is as desired', web(), 'True AsDesired, False Settled, False Healthy'],
    ['where nothing was looked at', web({ plans: {} }), 'False Reconciling, True Reconciling, False Healthy'],
    [
      'where something acts',
      web({ plans: { 'container/web': remove } }),
      'False Reconciling, True Reconciling, False Healthy',
    ],
    [
      'where something waits',
      web({ plans: { 'container/web': waitFor([], 'x') } }),
      'False Reconciling, True Reconciling, False Healthy',
    ],
    [
      'where something is stalled',
      web({ plans: { 'container/web': stall('x') } }),
      'False Stalled, False Stalled, True Stalled',
    ],
    [
      'where an action fails',
      web({ plans: { 'container/web': remove }, failures: { 'container/web': refusal } }),
      'False Reconciling, True Reconciling, True ActionFailing',
    ],
    [
      'with a trial',
      web({
        observed: { 'update/device': update({ trial }) },
        plans: { 'container/web': CONVERGED, 'update/device': waitFor([], 'x') },
      }),
      'False Reconciling, True Trying, False Healthy',
    ],
    [
      'with a trial that reached its goals',
      web({
        observed: { 'update/device': update({ trial: { ...trial, commitAtMs: 9 } }) },
        plans: { 'container/web': CONVERGED, 'update/device': waitFor([], 'x') },
      }),
      'False Reconciling, True Testing, False Healthy',
    ],
    [
      'with a container that ended on its own',
      web({ observed: { 'container/web': exited() } }),
      'True AsDesired, False Settled, True ContainerExited',
    ],
    [
      'with a container that an operator stopped',
      web({ observed: { 'container/web': exited() } }, { stopped: true }),
      'True AsDesired, False Settled, False Healthy',
    ],
    ['with a proposal that was given up', web(proposed('h')), 'True AsDesired, False Settled, True RevisionRefused'],
    [
      'with another document of a name that was given up',
      web(proposed('other')),
      'True AsDesired, False Settled, False Healthy',
    ],
  ])('%s', (_name, snapshot, expected) => {
    const conditions = nextConditions([], snapshot, T0);
    expect(conditions.map(({ type }) => type)).toEqual(['Converged', 'Progressing', 'Degraded']);
    expect(conditions.map(({ status, reason }) => `${status} ${reason}`).join(', ')).toBe(expected);
  });

  it('name what stands in the way, and how much more of it there is', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const plans = Object.fromEntries(names.map((name) => [`container/${name}`, stall(`no ${name}`)]));
    const [converged] = nextConditions(
      [],
      snapshotOf(
        names.map((name) => container(name)),
        [],
        { plans },
      ),
      T0,
    );
    expect(converged?.message).toBe('container/a: no a; container/b: no b; container/c: no c and 2 more');
  });

  it('keep their time while their status holds, also when the reason changes', () => {
    const first = nextConditions([], web({ plans: { 'container/web': remove } }), T0);
    const second = nextConditions(first, web({ plans: { 'container/web': stall('x') } }), T1);
    expect(second.map(({ type, reason, lastTransitionTime }) => [type, reason, lastTransitionTime])).toEqual([
      ['Converged', 'Stalled', T0.toISOString()],
      ['Progressing', 'Stalled', T1.toISOString()],
      ['Degraded', 'Stalled', T1.toISOString()],
    ]);
  });
});
