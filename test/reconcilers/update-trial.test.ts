/** A trial from its first look to its end, and what is done besides: reboots, records that were cut off, limits. */
import { describe, expect, it } from 'vitest';
import { reconcileUpdate } from '../../reconcilers/update.ts';
import type { Trial, UpdateStatus } from '../../resources/kinds/update.ts';
import { stall } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import {
  containerSpec,
  type Given,
  groupSpec,
  installed,
  mountedRoot,
  opened,
  planFor,
  recovery,
  run,
  running,
  sentence,
} from './given.ts';

const REF = 'update/device';
const WEB: Ref<'container'> = 'container/web';
const APP: Ref<'group'> = 'group/app';
const committed = { revision: '1', hash: 'h1' };
const two = { revision: '2', hash: 'h2' };
const trial = (overrides: Partial<Trial> = {}): Trial => ({
  ...two,
  fallback: '1',
  startedAtMs: 0,
  interrupted: false,
  ...overrides,
});
const status = (overrides: Partial<UpdateStatus> = {}): UpdateStatus => ({ committed, failures: {}, ...overrides });
const failure = { ...two, status: 'ERROR', message: 'broke', detail: 'badly' } as const;

const trying = (update: Partial<UpdateStatus> = {}, more: Given = {}): Given => ({
  revision: '2',
  ...more,
  desired: { [APP]: groupSpec(), [WEB]: containerSpec(), ...more.desired },
  observed: { [REF]: status({ trial: trial(), ...update }), [APP]: opened(), [WEB]: running(), ...more.observed },
});
const planOf = (given: Given, nowMs = 5_000) => planFor(reconcileUpdate, REF, given, nowMs);
const plan = (given: Given, nowMs?: number): string => sentence(planOf(given, nowMs));
const causes = (given: Given, nowMs?: number) => {
  const made = planOf(given, nowMs);
  return 'because' in made ? made.because : undefined;
};
const failureIn = (given: Given): object | undefined => {
  const made = planOf(given);
  return made.outcome === 'acting' && made.next.type === 'update.rollBack' ? made.next.failure : undefined;
};

describe('what was cut off is finished', () => {
  it('when there is no trial, and not during one', () => {
    expect(plan({ observed: { [REF]: status({ unsettled: true }) } })).toContain('update.commit');
    expect(plan(trying({ unsettled: true }))).not.toContain('update.commit');
    expect(plan({ observed: { [REF]: status({ untold: failure }) } })).toBe('update.rollBack: broke: badly');
    expect(plan(trying({ untold: failure }))).not.toContain('broke');
  });

  it('by the reason that was written down for this content, and no other', () => {
    expect(plan(trying({ failures: { 2: failure } }))).toBe('update.rollBack: broke: badly');
    expect(plan(trying({ failures: { 2: { ...failure, hash: 'other' } } }))).not.toContain('broke');
  });
});

describe('a trial goes back', () => {
  it.each<readonly [string, Partial<UpdateStatus>]>([
    ['Unexpected rollback: the daemon ended during the trial', { trial: trial({ interrupted: true }) }],
    ['Unexpected rollback: it was not tried: no room', { trial: trial({ interrupted: true, untried: 'no room' }) }],
    ['State JSON has bad format: no key', { unreadable: 'no key' }],
    ['Object validation went wrong: rotten', { unsound: 'rotten' }],
  ])('%s', (expected, update) => {
    expect(plan(trying(update))).toBe(`update.rollBack: ${expected}`);
    expect(failureIn(trying(update))).toMatchObject({ ...two, status: 'ERROR' });
  });

  it('with the causes of what is hopeless', () => {
    const refused = { action: 'container.start', attempts: 3, code: 'E', message: 'no', retryAtMs: 0 } as const;
    expect(causes(trying({}, { failures: { [WEB]: refused } }))).toEqual([WEB]);
  });

  it('not before its revision is read', () => {
    expect(plan(trying({}, { revision: '1' }))).toBe('waiting for time: the revision is being read');
  });
});

describe('a trial that never comes to rest', () => {
  const stable = (seconds: number) => containerSpec({ autoRecovery: recovery({ stableTimeoutSeconds: seconds }) });
  const restless = (update: Partial<Trial>, more: Given = {}) =>
    trying(
      { trial: trial(update) },
      { ...more, observed: { [WEB]: running({ run: run({ startedAtMs: 999_000 }) }), ...more.observed } },
    );
  const isOver = (given: Given, nowMs: number): boolean => plan(given, nowMs).includes('again and again');

  it('has three times the time of its groups, and twice its stable timeout, to be tested', () => {
    expect([isOver(restless({}), 89_999), isOver(restless({}), 90_000)]).toEqual([false, true]);
    const held = restless({ startedAtMs: 1_000 }, { desired: { [WEB]: stable(5) } });
    expect([isOver(held, 100_999), isOver(held, 101_000)]).toEqual([false, true]);
    const two = restless(
      {},
      {
        desired: { 'group/b': groupSpec({ name: 'b', members: [], timeoutSeconds: 10 }) },
        observed: { 'group/b': opened() },
      },
    );
    expect([isOver(two, 119_999), isOver(two, 120_000)]).toEqual([false, true]);
  });

  it('has twice its delays, and the time of one group, to be committed', () => {
    const tested = restless({ testedAtMs: 200_000, commitAtMs: 204_000 }, { desired: { [WEB]: stable(5) } });
    expect([isOver(tested, 247_999), isOver(tested, 248_000)]).toEqual([false, true]);
  });
});

describe('another proposal during a trial', () => {
  const superseding = (spec: typeof two, update: Partial<UpdateStatus> = {}): Given =>
    trying(update, { desired: { [REF]: spec } });
  it('takes its place', () => {
    const given = superseding({ revision: '3', hash: 'h3' });
    expect(plan(given)).toBe('update.try: superseded by 3');
    expect(causes(given)).toEqual(['desired']);
  });

  it('does not when it failed before', () => {
    expect(
      plan(
        superseding({ revision: '3', hash: 'h2x' }, { failures: { 4: { ...failure, revision: '4', hash: 'h2x' } } }),
      ),
    ).not.toContain('superseded');
  });

  it('ends it when it is the committed one', () => {
    expect(plan(superseding(committed))).toBe(
      'update.rollBack: Update aborted: 1, the committed revision, was asked for',
    );
    expect(causes(superseding(committed))).toEqual(['desired']);
    expect(failureIn(superseding(committed))).toEqual({
      ...two,
      status: 'CANCELLED',
      message: 'Update aborted',
      detail: '1, the committed revision, was asked for',
    });
  });

  it('does not while one goes back that was interrupted', () => {
    expect(plan(superseding({ revision: '3', hash: 'h3' }, { trial: trial({ interrupted: true }) }))).toContain(
      'Unexpected rollback',
    );
  });
});

describe('a reboot', () => {
  const rebooting = (more: Given = {}): Given => ({
    ...more,
    observed: { [REF]: status({ rebooting: 'asked for' }), ...more.observed },
  });
  it('waits for everything that is there, and not for what is only wanted', () => {
    expect(
      plan(rebooting({ desired: { [WEB]: containerSpec() }, observed: { 'volume/web/root': mountedRoot() } })),
    ).toBe('waiting for volume/web/root: everything is taken down before the reboot: asked for');
    expect(plan(rebooting({ desired: { [WEB]: containerSpec() } }))).toBe('update.reboot: asked for');
    expect(causes(rebooting())).toEqual([REF, 'desired']);
  });

  it('does not wait for what refuses to go, or is stalled', () => {
    const refused = (attempts: number) =>
      ({ action: 'container.kill', attempts, code: 'E', message: 'no', retryAtMs: 0 }) as const;
    const there = { observed: { [WEB]: running() } };
    expect(plan(rebooting({ ...there, failures: { [WEB]: refused(2) } }))).toContain('waiting');
    expect(plan(rebooting({ ...there, failures: { [WEB]: refused(3) } }))).toBe('update.reboot: asked for');
    expect(plan(rebooting({ ...there, plans: { [WEB]: stall('stuck') } }))).toBe('update.reboot: asked for');
  });
});

describe('a proposal', () => {
  const proposed = (update: Partial<UpdateStatus> = {}, more: Given = {}): Given => ({
    ...more,
    desired: { [REF]: two },
    observed: { [REF]: status(update) },
  });
  it('is tried because it is wanted', () => {
    expect(causes(proposed())).toEqual(['desired']);
  });

  it('that was refused again and again is given up, whole', () => {
    const refused = { action: 'update.try', attempts: 3, code: 'E', message: 'no space', retryAtMs: 0 } as const;
    expect(failureIn(proposed({}, { failures: { [REF]: refused } }))).toEqual({
      ...two,
      status: 'ERROR',
      message: 'Internal error',
      detail: 'no space',
    });
    expect(plan(proposed({}, { failures: { [REF]: { ...refused, attempts: 2 } } }))).toContain('update.try');
  });

  it('that failed before does not keep the committed one from proving itself', () => {
    const held = proposed({
      failures: { 2: failure },
      lifeline: { stage: 'safe', reason: 'bad', factoryUsable: false, sinceMs: 0 },
    });
    expect(plan(held)).toBe('stalled: safe mode, only containers with role mgmt run: bad');
  });
});

describe('the committed revision', () => {
  it.each<readonly [string, Partial<UpdateStatus>]>([
    ['converged', {}],
    ['stalled: revision 1 is damaged: rotten', { unsound: 'rotten' }],
    ['stalled: revision 1 cannot be used: no key', { unreadable: 'no key' }],
  ])('%s', (expected, update) => {
    expect(plan({ observed: { [REF]: status(update) } })).toBe(expected);
  });

  it('is waited for when nothing was read yet', () => {
    expect(plan({})).toBe('waiting for time: the storage has not been read yet');
    expect(
      plan({
        revision: '9',
        observed: {
          [REF]: status({ lifeline: { stage: 'verifying', reason: '', factoryUsable: false, sinceMs: 0 } }),
          [WEB]: installed(),
        },
      }),
    ).toBe('waiting for time: the revision is being read');
  });
});
