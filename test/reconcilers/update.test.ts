import { describe, expect, it } from 'vitest';
import { reconcileUpdate } from '../../reconcilers/update.ts';
import type { Failure, Trial, UpdateStatus } from '../../resources/kinds/update.ts';
import {
  containerSpec,
  exited,
  type Given,
  groupSpec,
  installed,
  mountedRoot,
  opened,
  planFor,
  recovery,
  running,
  sentence,
} from './given.ts';

const REF = 'update/device';
const committed = { revision: '1', hash: 'h1' };
const two = { revision: '2', hash: 'h2' };
const trial = (overrides: Partial<Trial> = {}): Trial => ({
  ...two,
  fallback: '1',
  startedAtMs: 0,
  interrupted: false,
  ...overrides,
});
const failure: Failure = { ...two, status: 'ERROR', message: 'Status goal not reached', detail: 'web is STARTED' };
const status = (overrides: Partial<UpdateStatus> = {}): UpdateStatus => ({ committed, failures: {}, ...overrides });
const plan = (given: Given, nowMs = 10_000): string => sentence(planFor(reconcileUpdate, REF, given, nowMs));

describe('a proposal', () => {
  it('is tried', () => {
    expect(plan({ desired: { [REF]: two }, observed: { [REF]: status() } })).toBe('update.try: 2 was proposed');
  });

  it('is nothing to do when it is what runs', () => {
    expect(plan({ desired: { [REF]: committed }, observed: { [REF]: status() } })).toBe('converged');
  });

  it('is not tried again after it failed, under whatever name', () => {
    const failed = status({ failures: { '2': failure } });
    const expected = 'stalled: this content was tried before and failed: Status goal not reached: web is STARTED';
    expect(plan({ desired: { [REF]: two }, observed: { [REF]: failed } })).toBe(expected);
    expect(plan({ desired: { [REF]: { revision: '3', hash: 'h2' } }, observed: { [REF]: failed } })).toBe(expected);
  });

  it('may be tried again after it was only superseded', () => {
    const superseded = status({ failures: { '2': { ...failure, status: 'CANCELLED' } } });
    expect(plan({ desired: { [REF]: two }, observed: { [REF]: superseded } })).toBe('update.try: 2 was proposed');
  });

  it('is given up when it cannot be installed', () => {
    const refused = { action: 'update.try', attempts: 3, code: 'ENOSPC', message: 'no space', retryAtMs: 0 } as const;
    const given = { desired: { [REF]: two }, observed: { [REF]: status() }, failures: { [REF]: refused } };
    expect(plan(given)).toBe('update.rollBack: no space');
  });
});

describe('what could not be written everywhere', () => {
  it('of a commit is written again', () => {
    const given = { observed: { [REF]: status({ unsettled: true }) } };
    expect(plan(given)).toBe('update.commit: its commit is not written everywhere');
  });

  it('of a failure is written again, and then it stays a failure', () => {
    const failures = { '2': failure };
    const untold = { desired: { [REF]: two }, observed: { [REF]: status({ failures, untold: failure }) } };
    expect(plan(untold)).toBe('update.rollBack: Status goal not reached: web is STARTED');
    expect(plan({ ...untold, observed: { [REF]: status({ failures }) } })).toMatch(/^stalled/);
  });

  it('of a rollback is done again, for the reason on record, however well it runs by now', () => {
    const given = { observed: { [REF]: status({ trial: trial(), failures: { '2': failure } }) }, revision: '2' };
    expect(plan(given)).toBe('update.rollBack: Status goal not reached: web is STARTED');
  });
});

describe('a reboot', () => {
  const rebooting = status({ trial: trial({ rebootFor: 'device.json changed' }), rebooting: 'device.json changed' });

  it('waits until everything is down, then boots', () => {
    expect(plan({ observed: { [REF]: rebooting, 'container/web': running(), 'group/app': opened() } })).toBe(
      'waiting for container/web, group/app: everything is taken down before the reboot: device.json changed',
    );
    expect(plan({ observed: { [REF]: rebooting } })).toBe('update.reboot: device.json changed');
  });

  it('does not wait for what cannot be taken down', () => {
    const busy = { action: 'volume.unmount', attempts: 3, code: 'EBUSY', message: 'busy', retryAtMs: 0 } as const;
    const observed = { [REF]: rebooting, 'volume/web/root.squashfs': mountedRoot() };
    expect(plan({ observed, failures: { 'volume/web/root.squashfs': busy } })).toBe(
      'update.reboot: device.json changed',
    );
  });

  it('is not needed any more when something newer is proposed', () => {
    expect(plan({ desired: { [REF]: { revision: '3', hash: 'h3' } }, observed: { [REF]: rebooting } })).toBe(
      'update.try: superseded by 3',
    );
  });
});

describe('after a rollback', () => {
  const held = (stage: 'verifying' | 'factory' | 'safe', factoryUsable = true) =>
    status({ lifeline: { stage, factoryUsable, reason: '2 was rolled back', sinceMs: 0 } });
  const desired = { 'group/app': groupSpec(), 'container/web': containerSpec() };
  const given = (of: UpdateStatus, web: Given['observed'] = { 'container/web': running() }): Given => ({
    desired,
    observed: { [REF]: of, 'group/app': opened(), ...web },
  });
  const failed = { 'container/web': installed() };

  it('the committed revision must reach its goals', () => {
    expect(plan(given(held('verifying'), failed))).toMatch(/^waiting for container\/web/);
    expect(plan(given(held('verifying')))).toBe('update.hold: 1 has reached its goals again');
  });

  it.each([
    ['nothing was read yet', undefined],
    ['what was given up is still desired', '2'],
    ['everything is taken down', '(shutting down)'],
  ])('nothing is concluded while %s', (_, revision) => {
    const before = { observed: { [REF]: held('verifying') }, desired: {}, revision: revision as string };
    expect(plan(before)).toMatch(/^waiting/);
  });

  it('revision 0 takes its place when it does not', () => {
    expect(planFor(reconcileUpdate, REF, given(held('verifying'), failed), 30_000)).toMatchObject({
      next: { type: 'update.hold', stage: 'factory' },
    });
    expect(plan({ ...given(held('factory')), revision: '0' })).toBe(
      'stalled: revision 0 runs in place of 1: 2 was rolled back',
    );
  });

  it('safe mode is the end of the line', () => {
    const toSafe = { next: { type: 'update.hold', stage: 'safe' } };
    const factory = { ...given(held('factory'), failed), revision: '0' };
    expect(planFor(reconcileUpdate, REF, factory, 30_000)).toMatchObject(toSafe);
    expect(planFor(reconcileUpdate, REF, given(held('verifying', false), failed), 30_000)).toMatchObject(toSafe);
    expect(plan(given(held('safe'), failed), 30_000)).toBe(
      'stalled: safe mode, only containers with role mgmt run: 2 was rolled back',
    );
  });

  it('something newer may be tried at any stage', () => {
    for (const stage of ['verifying', 'factory', 'safe'] as const) {
      const proposed = { ...desired, [REF]: { revision: '3', hash: 'h3' } };
      expect(plan({ ...given(held(stage), failed), desired: proposed }, 30_000)).toBe('update.try: 3 was proposed');
    }
  });
});

describe('a trial', () => {
  const desired = { 'group/app': groupSpec(), 'container/web': containerSpec() };
  const on = (observed: Given['observed'], overrides: Partial<Trial> = {}, more: Given = {}): Given => ({
    revision: '2',
    ...more,
    desired: { ...desired, ...more.desired },
    observed: { 'group/app': opened(), [REF]: status({ trial: trial(overrides) }), ...observed },
  });

  it('of a daemon that is gone is rolled back', () => {
    expect(plan(on({}, { interrupted: true }))).toBe(
      'update.rollBack: Unexpected rollback: the daemon ended during the trial',
    );
  });

  it('ends, however often its containers begin anew', () => {
    const given = on({ 'container/web': installed() });
    const anew = { 'container/web': { action: 'container.start', reason: '', startedAtMs: 89_000 } } as const;
    expect(plan({ ...given, lastActions: anew }, 89_999)).toMatch(/^waiting for container\/web until 90000/);
    expect(plan({ ...given, lastActions: anew }, 90_000)).toBe(
      'update.rollBack: Status goal not reached: its containers were started anew again and again',
    );
  });

  it('of a daemon that died while it gave up is rolled back for the first reason', () => {
    const { revision, hash } = trial();
    const failure = { revision, hash, status: 'ERROR', message: 'Status goal not reached', detail: 'web' } as const;
    const half = status({ trial: trial({ interrupted: true }), failures: { [revision]: failure } });
    expect(plan(on({ [REF]: half }))).toBe('update.rollBack: Status goal not reached: web');
    const other = status({ trial: trial({ interrupted: true }), failures: { [revision]: { ...failure, hash: 'h9' } } });
    expect(plan(on({ [REF]: other }))).toBe('update.rollBack: Unexpected rollback: the daemon ended during the trial');
  });

  it('gives way to a newer proposal', () => {
    const given = on({}, {}, { desired: { [REF]: { revision: '3', hash: 'h3' } } });
    expect(plan(given)).toBe('update.try: superseded by 3');
    expect(planFor(reconcileUpdate, REF, given)).toMatchObject({
      next: { fallback: '1', superseded: { revision: '2', status: 'CANCELLED' } },
    });
  });

  it('goes back when the committed revision is asked for', () => {
    expect(plan(on({}, {}, { desired: { [REF]: committed } }))).toBe(
      'update.rollBack: Update aborted: 1, the committed revision, was asked for',
    );
  });

  it('waits for goals', () => {
    expect(plan(on({ 'container/web': installed() }))).toBe(
      'waiting for container/web until 30000: goals are not reached yet',
    );
  });

  it('waits for groups that are not open', () => {
    expect(plan(on({ 'group/app': opened(0, '1@old') }))).toBe(
      'waiting for group/app until 90000: groups are still to start',
    );
  });

  it('waits until what it does not want is gone', () => {
    expect(plan(on({ 'container/web': running(), 'container/old': running() }))).toBe(
      'waiting for container/old until 90000: goals are not reached yet',
    );
  });

  it('is tested once all goals are reached', () => {
    expect(plan(on({ 'container/web': running() }))).toBe('update.test: all goals are reached');
  });

  it('is committed after the delay', () => {
    const given = on({ 'container/web': running() }, { commitAtMs: 12_000 });
    expect(plan(given, 11_999)).toBe('waiting for time until 12000: Awaiting to see if update is stable');
    expect(plan(given, 12_000)).toBe('update.commit: it stayed stable');
  });

  it('is committed only when containers with a stable_timeout have been stable that long', () => {
    const web = containerSpec({ autoRecovery: recovery({ stableTimeoutSeconds: 30 }) });
    const given = on({ 'container/web': running() }, { commitAtMs: 2000 }, { desired: { 'container/web': web } });
    expect(plan(given, 30_000)).toBe('waiting for time until 31000: Waiting for all containers to become stable');
    expect(plan(on({ 'container/web': running() }, { commitAtMs: 2000 }), 31_000)).toBe(
      'update.commit: it stayed stable',
    );
  });

  it('is rolled back when a group misses its time', () => {
    expect(plan(on({ 'container/web': installed() }), 30_000)).toBe(
      'update.rollBack: Status goal not reached: web is MOUNTED, its goal is STARTED',
    );
  });

  it('is not committed with a goal that was lost again', () => {
    const web = containerSpec({ autoRecovery: recovery({ retryDelaySeconds: 5 }) });
    const given = on(
      { 'container/web': exited({ type: 'code', code: 1 }) },
      { commitAtMs: 3000 },
      { desired: { 'container/web': web } },
    );
    expect(plan(given, 4000)).toBe('waiting for container/web until 32000: goals are not reached yet');
  });

  it('is rolled back when a container cannot go on', () => {
    const stalled = { outcome: 'stalled', reason: 'web: it ended with exit code 1' } as const;
    const given = on(
      { 'container/web': exited({ type: 'code', code: 1 }) },
      {},
      { plans: { 'container/web': stalled } },
    );
    expect(plan(given)).toBe(
      'update.rollBack: A container could not be started: container/web: web: it ended with exit code 1',
    );
  });

  it('names a stop that failed, and does not call it a start', () => {
    const message = 'processes in it survive SIGKILL';
    const failure = { action: 'container.kill', attempts: 3, code: 'EBUSY', message, retryAtMs: 0 } as const;
    expect(plan(on({ 'container/web': running() }, {}, { failures: { 'container/web': failure } }))).toBe(
      `update.rollBack: A container could not be stopped: container/web: ${message}`,
    );
  });

  it('is rolled back when the device keeps refusing', () => {
    const refused = (attempts: number) => ({
      failures: {
        'volume/web/root.squashfs': {
          action: 'volume.mount',
          attempts,
          code: 'EINVAL',
          message: 'bad superblock',
          retryAtMs: 0,
        },
      } as const,
    });
    expect(plan(on({ 'container/web': installed() }, {}, refused(2)))).toMatch(/^waiting/);
    expect(plan(on({ 'container/web': installed() }, {}, refused(3)))).toBe(
      'update.rollBack: A container could not be started: volume/web/root.squashfs: bad superblock',
    );
  });
});

it('a committed revision that cannot be read is stalled, and touches nothing', () => {
  expect(plan({ observed: { [REF]: status({ unreadable: 'not JSON' }) } })).toBe(
    'stalled: revision 1 cannot be used: not JSON',
  );
});
