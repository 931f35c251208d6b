import { describe, expect, it } from 'vitest';
import { act, CONVERGED, type Plan, stall, waitFor, waitUntil } from '../../../resources/plan.ts';
import type { Ref } from '../../../resources/ref.ts';
import { type ActionFailure, EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';
import { changedPlans, nextWakeMs, planOf } from '../../../runtime/engine/planning.ts';
import { rootVolume } from '../../reconcilers/given.ts';

const ROOT: Ref<'volume'> = 'volume/web/root';
const OTHER: Ref<'volume'> = 'volume/web/other';
const MOUNT = act({ type: 'volume.mount', ref: ROOT, spec: rootVolume }, 'why');
const UNMOUNT = act({ type: 'volume.unmount', ref: ROOT, target: '/x' }, 'why');
const FAILURE: ActionFailure = { action: 'volume.mount', attempts: 3, code: 'EIO', message: 'no disk', retryAtMs: 500 };
const failed: Snapshot = { ...EMPTY_SNAPSHOT, failures: { [ROOT]: FAILURE } };
const planned = (plans: Readonly<Record<Ref, Plan>>): Snapshot => ({ ...EMPTY_SNAPSHOT, plans });

describe('an action that failed', () => {
  it('is held back until its time, which the plan tells with the reason', () => {
    expect(planOf(ROOT, failed, 499, () => MOUNT)).toEqual(waitUntil(500, 'no disk; tried 3 times, next try follows'));
    expect(planOf(ROOT, failed, 500, () => MOUNT)).toBe(MOUNT);
  });

  it('holds back no other action, no other resource, and nothing that is no action', () => {
    expect(planOf(ROOT, failed, 0, () => UNMOUNT)).toBe(UNMOUNT);
    expect(planOf(OTHER, failed, 0, () => MOUNT)).toBe(MOUNT);
    expect(planOf(ROOT, failed, 0, () => CONVERGED)).toBe(CONVERGED);
  });
});

describe('plans that changed', () => {
  const changed = (plan: Plan, before: Plan | undefined): boolean =>
    changedPlans([ROOT], planned(before === undefined ? {} : { [ROOT]: before }), 0, () => plan).length > 0;

  it.each<readonly [string, Plan, Plan | undefined, boolean]>([
    ['the first one', CONVERGED, undefined, true],
    ['the same again', CONVERGED, { outcome: 'converged' }, false],
    ['another outcome', CONVERGED, stall('a'), true],
    ['another reason to stall', stall('a'), stall('b'), true],
    ['the same reason to stall', stall('a'), stall('a'), false],
    ['the same action', MOUNT, act({ type: 'volume.mount', ref: ROOT, spec: { ...rootVolume } }, 'why'), false],
    ['the same action for another reason', MOUNT, { ...MOUNT, reason: 'other' } as Plan, true],
    ['another action for the same reason', MOUNT, UNMOUNT, true],
    ['the same wait', waitUntil(5, 'a', [OTHER]), waitUntil(5, 'a', [OTHER]), false],
    ['a wait for another reason', waitUntil(5, 'a'), waitUntil(5, 'b'), true],
    ['a wait until another time', waitUntil(5, 'a'), waitUntil(6, 'a'), true],
    ['a wait for something else', waitFor([OTHER], 'a'), waitFor([ROOT], 'a'), true],
  ])('%s', (_, plan, before, expected) => {
    expect(changed(plan, before)).toBe(expected);
  });

  it('are undefined for what is there no more', () => {
    expect(changedPlans([ROOT], planned({ [ROOT]: CONVERGED, [OTHER]: CONVERGED }), 0, () => CONVERGED)).toEqual([
      [OTHER, undefined],
    ]);
  });
});

describe('the next wake-up', () => {
  it('is the earliest time that a plan waits for, of those to come', () => {
    expect(nextWakeMs(planned({ [ROOT]: waitUntil(9, 'a'), [OTHER]: waitUntil(7, 'a') }), 5)).toBe(7);
    expect(nextWakeMs(planned({ [ROOT]: waitUntil(9, 'a'), [OTHER]: waitUntil(7, 'a') }), 7)).toBe(9);
  });

  it('is none when nothing waits for time', () => {
    expect(nextWakeMs(planned({ [ROOT]: waitFor([OTHER], 'a'), [OTHER]: MOUNT }), 5)).toBeUndefined();
    expect(nextWakeMs(planned({ [ROOT]: waitUntil(5, 'a') }), 5)).toBeUndefined();
  });
});
