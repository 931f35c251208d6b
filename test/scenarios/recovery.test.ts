import { describe, expect, it } from 'vitest';
import type { Exit } from '../../resources/kinds/container.ts';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig } from './rig.ts';

const FAILED: Exit = { type: 'code', code: 1 };
const FINISHED: Exit = { type: 'code', code: 0 };
const LIFE = /^(start|halt|kill)/;
const apps = aState().group({ name: 'apps' });

/** A committed device with one container. */
const withRecovery = async (autoRecovery: object | undefined): Promise<Rig> => {
  const rig = await aRig({ commitDelaySeconds: 0 });
  const run = autoRecovery === undefined ? {} : { auto_recovery: autoRecovery };
  expect(await rig.run(apps.container('web', run))).toBe('DONE');
  rig.newLog();
  return rig;
};

/** Kills the container as often as it comes back. @returns how many seconds each return took. */
const pauses = async (rig: Rig, times: number, exit: Exit = FAILED): Promise<(number | string)[]> => {
  const took: (number | string)[] = [];
  for (let time = 0; time < times; time += 1) {
    const pid = rig.pidOf('web');
    const killedAtMs = rig.host.clock.nowMs();
    rig.host.mischief.kill('web', exit);
    await rig.until(() => rig.pidOf('web') !== pid);
    const isBack = await rig.host.runUntil(() => rig.pidOf('web') !== undefined, 86_400_000);
    if (!isBack) return [...took, rig.reasonOf('container/web') || rig.statusOf('web')];
    took.push(Math.round((rig.host.clock.nowMs() - killedAtMs) / 1000));
    await rig.host.settle();
  }
  return took;
};

describe('a container that ends on its own', () => {
  const cases: [string, object | undefined, number, (number | string)[]][] = [
    ['without recovery is started again, ever more slowly, in place of a reboot', undefined, 5, [0, 2, 4, 8, 16]],
    ["with policy 'no' as well", { policy: 'no' }, 3, [0, 2, 4]],
    ["with policy 'always' at once", { policy: 'always' }, 4, [0, 0, 0, 0]],
    ['after its retry_delay', { policy: 'always', retry_delay: 5 }, 3, [5, 5, 5]],
    ['after a delay that grows', { policy: 'on-failure', retry_delay: 5, backoff_factor: 2 }, 4, [5, 10, 20, 40]],
    ["also with 'unless-stopped'", { policy: 'unless-stopped', retry_delay: 3 }, 2, [3, 3]],
    [
      "until max_retries, and then never with 'never'",
      { policy: 'always', max_retries: 2, backoff_policy: 'never' },
      4,
      [0, 0, "web: it ended with exit code 1, and all 2 retries are used up; backoff_policy is 'never'"],
    ],
    [
      'until max_retries, and then anew after a rest',
      { policy: 'always', max_retries: 2, backoff_policy: '10min' },
      6,
      [0, 0, 600, 0, 0, 600],
    ],
    [
      'until max_retries, and then slowly where a reboot is asked for',
      { policy: 'always', max_retries: 2, backoff_policy: 'reboot' },
      4,
      [0, 0, 4, 8],
    ],
  ];
  it.each(cases)('%s', async (_, recovery, times, expected) => {
    const rig = await withRecovery(recovery);
    expect(await pauses(rig, times)).toEqual(expected);
    await expectIdle(rig);
  });

  it("with exit code 0 and 'on-failure' has done its work", async () => {
    const rig = await withRecovery({ policy: 'on-failure' });
    expect(await pauses(rig, 1, FINISHED)).toEqual(['STOPPED']);
    expect(rig.newLog(LIFE)).toEqual([]);
    expect(rig.unfinished()).toBe('');
    await expectIdle(rig);
  });

  it("with exit code 0 and 'always' is started again", async () => {
    expect(await pauses(await withRecovery({ policy: 'always' }), 2, FINISHED)).toEqual([0, 0]);
  });

  it('has its retries forgiven after a run longer than reset_window', async () => {
    const rig = await withRecovery({ policy: 'always', retry_delay: 5, backoff_factor: 3, reset_window: 60 });
    expect(await pauses(rig, 2)).toEqual([5, 15]);
    await rig.host.advance(61_000);
    expect(await pauses(rig, 2)).toEqual([5, 15]);
  });

  it('gets new boot storage and the same image at every start', async () => {
    const rig = await withRecovery({ policy: 'always' });
    rig.host.mischief.write('/volumes/web/lxc-overlay/upper/left', 'over');
    await pauses(rig, 1);
    expect(await rig.host.operator.files.stat('/volumes/web/lxc-overlay/upper/left')).toBeUndefined();
    expect(rig.newLog()).toEqual([
      'unmount web/root.squashfs',
      'unmount web/lxc-overlay',
      expect.stringMatching(/^mount image .* on web\/root.squashfs$/),
      'mount tmpfs on web/lxc-overlay',
      'start web',
    ]);
  });

  it('does not disturb the others, whatever their group', async () => {
    const rig = await aRig();
    const state = aState().group({ name: 'base' }).group({ name: 'top' });
    await rig.run(state.container('web', { group: 'base' }).container('app', { group: 'top' }));
    const app = rig.pidOf('app');
    await pauses(rig, 3);
    expect(rig.pidOf('app')).toBe(app);
  });

  it('inherits the recovery of its group', async () => {
    const rig = await aRig({ commitDelaySeconds: 0 });
    const group = { name: 'apps', auto_recovery: { policy: 'always', retry_delay: 7 } };
    await rig.run(aState().group(group).container('web'));
    expect(await pauses(rig, 1)).toEqual([7]);
  });

  it('whose monitor was killed counts as failed', async () => {
    const rig = await withRecovery({ policy: 'on-failure', retry_delay: 2 });
    rig.host.mischief.killMonitor('web');
    await rig.until(() => rig.statusOf('web') === 'RECOVERING');
    expect(rig.reasonOf('container/web')).toMatch(/^it ended with an unknown status/);
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    await expectIdle(rig);
  });

  it('is held back while LXC refuses it, and comes up when it does no more', async () => {
    const rig = await withRecovery({ policy: 'always' });
    rig.behaviour('web', (_, attempt) => (attempt < 8 ? { failsToStart: 'no memory' } : {}));
    rig.host.mischief.kill('web');
    await rig.until(() => rig.reasonOf('container/web').includes('no memory'));
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    expect(rig.newLog(/^start/)).toHaveLength(7);
    await expectIdle(rig);
  });
});
