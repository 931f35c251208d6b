import { describe, expect, it } from 'vitest';
import type { Trial, UpdateStatus } from '../../../resources/kinds/update.ts';
import { act, CONVERGED, waitFor } from '../../../resources/plan.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';
import { statusView } from '../../../runtime/api/status.ts';
import { EMPTY_TIMELINE, nextTimeline, type StatusNames } from '../../../runtime/api/status-timeline.ts';
import { container, group, running, snapshotOf } from './fixture.ts';

const names: StatusNames = { containerStatusName: () => 'STARTED', groupStatusName: () => 'READY' };
const at = (nowMs: number) => ({ nowMs, wallTime: new Date(Date.UTC(2024, 0, 1) + nowMs) });
const viewOf = (snapshot: Snapshot, nowMs = 10_000) =>
  statusView(snapshot, nextTimeline(EMPTY_TIMELINE, snapshot, at(nowMs), names), at(nowMs), names);

const trial: Trial = { revision: 'locals/a', hash: 'h', fallback: '0', startedAtMs: 0, interrupted: false };
const withUpdate = (changes: Partial<UpdateStatus>, plan: Snapshot['plans'][never] = CONVERGED): Snapshot =>
  snapshotOf([], [], {
    observed: {
      'update/device': { committed: { revision: '0', hash: 'a' }, failures: {}, ...changes },
    },
    plans: { 'update/device': plan },
  });
const failure = { revision: 'locals/a', hash: 'h', status: 'ERROR', message: 'm', detail: 'd' } as const;

describe('the phase of a device', () => {
  it.each([
    ['starting', EMPTY_SNAPSHOT],
    ['running', withUpdate({})],
    ['trying', withUpdate({ trial })],
    ['testing', withUpdate({ trial: { ...trial, commitAtMs: 14_500 } })],
    ['rolling-back', withUpdate({ trial }, act({ type: 'update.rollBack', ref: 'update/device', failure }, 'x'))],
  ] as const)('is %s', (phase, snapshot) => {
    expect(viewOf(snapshot).phase).toBe(phase);
  });

  it('comes with the fallback and the time of the commit', () => {
    const snapshot = withUpdate({ trial: { ...trial, commitAtMs: 14_500 } });
    expect(viewOf(snapshot).trial).toEqual({
      revision: 'locals/a',
      fallback: '0',
      commitAt: '2024-01-01T00:00:14.500Z',
    });
    expect(viewOf(snapshot)).toMatchObject({ committed: '0', revision: 'locals/a' });
  });
});

describe('resources', () => {
  it('stand by kind, then in their own order', () => {
    const snapshot = snapshotOf(
      [container('b', { order: 1 }), container('a', { order: 2 })],
      [group('z', { order: 0 }), group('y', { order: 1 })],
      { plans: { 'disk/d': CONVERGED } },
    );
    expect(viewOf(snapshot).resources.map(({ ref }) => ref)).toEqual([
      'disk/d',
      'group/z',
      'group/y',
      'container/b',
      'container/a',
    ]);
  });

  it('tell what is wanted, what there is, and what they wait for', () => {
    const snapshot = snapshotOf([container('web')], [], {
      observed: { 'container/web': running({ startedAtMs: 4000 }) },
      plans: { 'container/web': waitFor(['volume/web/root'], 'its root is not mounted') },
    });
    expect(viewOf(snapshot).resources[0]).toMatchObject({
      kind: 'container',
      name: 'web',
      outcome: 'waiting',
      state: 'STARTED',
      since: '2024-01-01T00:00:04.000Z',
      goal: 'STARTED',
      group: 'app',
      waitingOn: ['volume/web/root'],
      reason: 'its root is not mounted',
      desired: { name: 'web' },
      observed: { phase: 'running' },
      lastAction: null,
    });
  });

  it('tell what was done last, and what the device said to it', () => {
    const last = { action: 'container.start', reason: 'it is wanted', startedAtMs: 2000 } as const;
    const error = {
      action: 'container.start',
      attempts: 2,
      code: 'LXC_START',
      message: 'no',
      retryAtMs: 10_800,
    } as const;
    const lastActionOf = (changes: Partial<Snapshot>) =>
      viewOf(snapshotOf([container('web')], [], changes)).resources[0]?.lastAction;
    expect(lastActionOf({ lastActions: { 'container/web': last } })).toMatchObject({ result: 'running', error: null });
    expect(lastActionOf({ lastActions: { 'container/web': { ...last, finishedAtMs: 3000 } } })).toEqual({
      type: 'container.start',
      reason: 'it is wanted',
      result: 'done',
      at: '2024-01-01T00:00:03.000Z',
      error: null,
    });
    const failed = {
      lastActions: { 'container/web': { ...last, finishedAtMs: 3000 } },
      failures: { 'container/web': error },
    };
    expect(lastActionOf(failed)).toMatchObject({
      result: 'failed',
      error: { code: 'LXC_START', retryAt: '2024-01-01T00:00:10.800Z' },
    });
    expect(viewOf(snapshotOf([container('web')], [], failed)).resources[0]).toMatchObject({
      attempts: 2,
      reason: 'no (attempt 2)',
    });
  });

  it('that nobody wants any more have no goal and no group', () => {
    const snapshot = snapshotOf([], [], { observed: { 'container/old': running() } });
    expect(viewOf(snapshot).resources[0]).toMatchObject({
      name: 'old',
      desired: null,
      group: null,
      goal: null,
      outcome: 'unknown',
    });
  });
});

describe('the timeline', () => {
  const blocked: StatusNames = { ...names, containerStatusName: () => 'BLOCKED' };
  const snapshot = snapshotOf([container('web')]);

  it('keeps when a state was first seen, and forgets what is gone', () => {
    const first = nextTimeline(EMPTY_TIMELINE, snapshot, at(1000), blocked);
    const second = nextTimeline(first, snapshot, at(2000), blocked);
    expect(second.since.get('container/web')?.atMs).toBe(1000);
    const third = nextTimeline(second, snapshot, at(3000), names);
    expect(third.since.get('container/web')?.atMs).toBe(3000);
    expect(nextTimeline(third, EMPTY_SNAPSHOT, at(4000), names).since.size).toBe(0);
  });
});
