import { describe, expect, it } from 'vitest';
import {
  latestGoal,
  latestStability,
  longestStabilityMs,
  planGoals,
  whyHopeless,
  whyLate,
} from '../../reconcilers/trial.ts';
import { stall, waitFor } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import {
  containerSpec,
  exited,
  type Given,
  groupSpec,
  installed,
  opened,
  recovery,
  run,
  running,
  snapshotOf,
} from './given.ts';

const WEB: Ref<'container'> = 'container/web';
const DB: Ref<'container'> = 'container/db';
const APP: Ref<'group'> = 'group/app';
const DATA: Ref<'group'> = 'group/data';
const failure = (attempts: number) =>
  ({ action: 'container.start', attempts, code: 'EIO', message: 'no init', retryAtMs: 0 }) as const;

const given = (more: Given = {}) =>
  snapshotOf({
    ...more,
    desired: {
      [DATA]: groupSpec({ name: 'data', members: [DB], timeoutSeconds: 10 }),
      [APP]: groupSpec({ timeoutSeconds: 30, order: 1 }),
      [WEB]: containerSpec(),
      [DB]: containerSpec({ name: 'db', group: DATA }),
      ...more.desired,
    },
    observed: { [APP]: opened(1_000), [DATA]: opened(1_000), [WEB]: installed(), [DB]: running(), ...more.observed },
  });

describe('a trial is hopeless', () => {
  it('when one step was refused three times, and not before', () => {
    expect(whyHopeless(given({ failures: { [WEB]: failure(2) } }), 0)).toBeUndefined();
    expect(whyHopeless(given({ failures: { [WEB]: failure(3) } }), 0)).toEqual({
      ...{ message: 'A container could not be started', detail: 'container/web: no init', because: [WEB] },
    });
  });

  it('and not because of the update itself', () => {
    expect(whyHopeless(given({ failures: { 'update/device': failure(9) } }), 0)).toBeUndefined();
  });

  it('when what fails trials is stalled', () => {
    const stalled = (ref: Ref) => whyHopeless(given({ plans: { [ref]: stall('cannot be') } }), 0);
    expect(stalled('disk/d')).toEqual({
      ...{ message: 'A container could not be started', detail: 'disk/d: cannot be', because: ['disk/d'] },
    });
    expect(stalled(APP)).toBeUndefined();
    expect(whyHopeless(given({ plans: { 'disk/d': waitFor([], 'soon') } }), 0)).toBeUndefined();
  });

  it('when a goal was missed', () => {
    expect(whyHopeless(given(), 31_000)).toMatchObject({ message: 'Status goal not reached' });
  });
});

describe('a goal is missed', () => {
  it('when the time of its group is over since it was opened, and no other group is to blame', () => {
    expect(whyLate(given(), 30_999)).toBeUndefined();
    expect(whyLate(given(), 31_000)).toEqual({
      ...{ message: 'Status goal not reached', detail: 'web is MOUNTED, its goal is STARTED', because: [APP, WEB] },
    });
  });

  it('when it is over since its container was started anew', () => {
    const touched = given({ lastActions: { [WEB]: { action: 'container.start', reason: '', startedAtMs: 5_000 } } });
    expect([whyLate(touched, 34_999), whyLate(touched, 35_000) !== undefined]).toEqual([undefined, true]);
    const ended = given({ observed: { [WEB]: exited({ type: 'code', code: 1 }, { exitedAtMs: 8_000 }) } });
    expect([whyLate(ended, 37_999), whyLate(ended, 38_000) !== undefined]).toEqual([undefined, true]);
  });

  it('by nobody while a group is not open, not open for this revision, or not wanted', () => {
    expect(whyLate(given({ observed: { [APP]: opened(1_000, 'old') } }), 99_000)).toBeUndefined();
    const { [APP]: _, ...observed } = given().observed;
    expect(whyLate({ ...given(), observed }, 99_000)).toBeUndefined();
    const { [APP]: __, ...desired } = given().desired;
    expect(whyLate({ ...given(), desired }, 99_000)).toBeUndefined();
  });

  it('by every container that is late, of every group', () => {
    const late = whyLate(given({ observed: { [DB]: installed() } }), 31_000);
    expect(late?.because).toEqual([DATA, APP, DB, WEB]);
  });
});

describe('what is still to come', () => {
  it('are groups first', () => {
    const { [APP]: _, ...observed } = given().observed;
    expect(planGoals({ ...given(), observed })).toEqual(waitFor([APP], 'groups are still to start'));
  });

  it('are goals, until the earliest deadline', () => {
    expect(planGoals(given({ observed: { [DB]: installed() } }))).toMatchObject({ on: [WEB, DB], untilMs: 11_000 });
    expect(planGoals(given())).toMatchObject({ on: [WEB], untilMs: 31_000, reason: 'goals are not reached yet' });
  });

  it('is the end of what nobody wants, for which there is no deadline', () => {
    const left = given({ observed: { [WEB]: running(), 'container/old': running() } });
    expect(planGoals(left)).toEqual(waitFor(['container/old'], 'goals are not reached yet'));
  });

  it('is nothing when all goals are reached', () => {
    expect(planGoals(given({ observed: { [WEB]: running() } }))).toBeUndefined();
  });
});

describe('goals that hold', () => {
  const stable = (seconds: number) => recovery({ stableTimeoutSeconds: seconds });
  const both = given({
    desired: { [WEB]: containerSpec({ autoRecovery: stable(3) }), [DB]: containerSpec({ name: 'db', group: DATA }) },
    observed: {
      [WEB]: running({ run: run({ startedAtMs: 2_000 }) }),
      [DB]: running({ run: run({ startedAtMs: 9_000 }) }),
    },
  });

  it('were reached at the latest of their times', () => {
    expect(latestGoal(both)).toBe(9_000);
    expect(latestGoal(snapshotOf({}))).toBe(0);
  });

  it('are stable when those that must be have held long enough', () => {
    expect(latestStability(both)).toBe(5_000);
    expect(latestStability(given({ observed: { [WEB]: running() } }))).toBe(0);
  });

  it('take as long as the longest of them, also of those that are not reached', () => {
    expect(longestStabilityMs(both)).toBe(3_000);
    expect(longestStabilityMs(given({ desired: { [WEB]: containerSpec({ autoRecovery: stable(7) }) } }))).toBe(7_000);
    expect(longestStabilityMs(snapshotOf({}))).toBe(0);
  });
});
