import { describe, expect, it } from 'vitest';
import { CONVERGED, stall } from '../../../resources/plan.ts';
import type { Ref } from '../../../resources/ref.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';
import type { Event } from '../../../runtime/engine/event.ts';
import { reduce } from '../../../runtime/engine/reducer.ts';
import { containerSpec, mountedRoot, rootVolume } from '../../reconcilers/given.ts';

const WEB: Ref<'container'> = 'container/web';
const ROOT: Ref<'volume'> = 'volume/web/root';
const MOUNT = { type: 'volume.mount', ref: ROOT, spec: rootVolume } as const;
const UNMOUNT = { type: 'volume.unmount', ref: ROOT, target: '/volumes/web/root' } as const;

const snapshotAfter = (...events: readonly Event[]): Snapshot => events.reduce(reduce, EMPTY_SNAPSHOT);
const desired = (revision: string, specs = { [WEB]: containerSpec(), [ROOT]: rootVolume }): Event => ({
  type: 'desired.changed',
  revision,
  desired: specs,
});
const failed = (action: typeof MOUNT | typeof UNMOUNT, atMs: number): Event => ({
  type: 'action.failed',
  ...{ action, reason: 'why', atMs, code: 'EIO', message: 'no' },
});
const started = (atMs: number): Event => ({
  type: 'action.started',
  ...{ action: MOUNT, reason: 'why', because: [], atMs },
});
const succeeded = (atMs: number): Event => ({ type: 'action.succeeded', action: MOUNT, reason: 'why', atMs });

describe('the desired state', () => {
  it('is what was told last, and of which revision', () => {
    const specs = { [WEB]: containerSpec() };
    expect(snapshotAfter(desired('1'), desired('2', specs as never))).toMatchObject({ revision: '2', desired: specs });
  });

  it('of another revision makes every plan void, of the same one none', () => {
    const planned: Event = { type: 'resource.planned', plans: [[WEB, CONVERGED]] };
    expect(snapshotAfter(desired('1'), planned, desired('2')).plans).toEqual({});
    expect(snapshotAfter(desired('1'), planned, desired('1')).plans).toEqual({ [WEB]: CONVERGED });
  });
});

describe('what was observed', () => {
  const seen = (status: ReturnType<typeof mountedRoot> | undefined): Event => ({
    type: 'resource.observed',
    ref: ROOT,
    status,
  });

  it('is what was seen last; nothing is no entry', () => {
    expect(snapshotAfter(seen(mountedRoot())).observed).toEqual({ [ROOT]: mountedRoot() });
    expect(Object.keys(snapshotAfter(seen(mountedRoot()), seen(undefined)).observed)).toEqual([]);
  });

  it('makes no other snapshot when it is the same again, in another object', () => {
    const first = snapshotAfter(seen(mountedRoot()));
    expect(reduce(first, seen(mountedRoot()))).toBe(first);
    expect(reduce(first, seen(mountedRoot({ deleted: true })))).not.toBe(first);
    expect(reduce(EMPTY_SNAPSHOT, seen(undefined))).toBe(EMPTY_SNAPSHOT);
  });

  it('stays when a look failed', () => {
    const first = snapshotAfter(seen(mountedRoot()));
    expect(reduce(first, { type: 'observation.failed', ref: ROOT, code: 'EIO', message: 'no' })).toBe(first);
  });
});

describe('plans', () => {
  it('are replaced one by one, and go with what they were for', () => {
    const snapshot = snapshotAfter({
      type: 'resource.planned',
      plans: [
        [WEB, CONVERGED],
        [ROOT, CONVERGED],
      ],
    });
    const next = reduce(snapshot, {
      type: 'resource.planned',
      plans: [
        [WEB, stall('why')],
        [ROOT, undefined],
      ],
    });
    expect(next.plans).toEqual({ [WEB]: stall('why') });
    expect(Object.keys(next.plans)).toEqual([WEB]);
  });
});

describe('an action', () => {
  it('is the last one of its resource from its start on, and has an end however it ends', () => {
    const begun = { action: 'volume.mount', reason: 'why', startedAtMs: 5 };
    expect(snapshotAfter(started(5)).lastActions).toEqual({ [ROOT]: begun });
    expect(snapshotAfter(started(5), succeeded(7)).lastActions).toEqual({ [ROOT]: { ...begun, finishedAtMs: 7 } });
    expect(snapshotAfter(started(5), failed(MOUNT, 8)).lastActions).toEqual({ [ROOT]: { ...begun, finishedAtMs: 8 } });
    // Of an action that another daemon began nothing is known.
    expect(snapshotAfter(succeeded(7)).lastActions).toEqual({});
  });

  it('that fails waits four times as long after each failure, and never longer than a minute', () => {
    let snapshot = EMPTY_SNAPSHOT;
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      snapshot = reduce(snapshot, failed(MOUNT, 1_000));
      const failure = snapshot.failures[ROOT];
      expect(failure).toMatchObject({ action: 'volume.mount', attempts: attempt, code: 'EIO', message: 'no' });
      delays.push((failure?.retryAtMs ?? 0) - 1_000);
    }
    expect(delays.slice(0, 7)).toEqual([200, 800, 3_200, 12_800, 51_200, 60_000, 60_000]);
    expect(delays.at(-1)).toBe(60_000);
  });

  it('of another kind that fails is counted from one', () => {
    expect(snapshotAfter(failed(MOUNT, 0), failed(MOUNT, 0), failed(UNMOUNT, 0)).failures[ROOT]).toMatchObject({
      action: 'volume.unmount',
      attempts: 1,
      retryAtMs: 200,
    });
  });

  it('that succeeds ends the failures of its resource', () => {
    expect(snapshotAfter(failed(MOUNT, 0), succeeded(1)).failures).toEqual({});
    const other = { ...MOUNT, ref: 'volume/web/other' as const };
    expect(snapshotAfter(failed(MOUNT, 0), { ...succeeded(1), action: other } as Event).failures[ROOT]).toBeDefined();
  });
});

describe('failures are forgotten', () => {
  const before = snapshotAfter(desired('1'), failed(MOUNT, 0));

  it('with their revision: what failed in one is tried at once in the next', () => {
    expect(before.failures[ROOT]).toBeDefined();
    expect(reduce(before, desired('2', before.desired as never)).failures).toEqual({});
  });

  it('when something else is wanted of their resource', () => {
    const specs = { [WEB]: containerSpec(), [ROOT]: { ...rootVolume, order: 1 } };
    expect(reduce(before, desired('1', specs)).failures).toEqual({});
    expect(reduce(before, desired('1', { [WEB]: containerSpec() } as never)).failures).toEqual({});
  });

  it('and not when the same is wanted again', () => {
    const same = { ...before.desired, [WEB]: containerSpec({ stopped: true }) };
    expect(reduce(before, desired('1', same as never)).failures).toEqual(before.failures);
  });
});
