import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { aRig, type Rig } from './rig.ts';

const apps = aState().group({ name: 'apps' });

const secondsUntilCommitted = async (rig: Rig): Promise<number> => {
  const beganAtMs = rig.host.clock.nowMs();
  await rig.until(() => rig.update().committed.revision === 'locals/test');
  return Math.round((rig.host.clock.nowMs() - beganAtMs) / 1000);
};

const contentOf = async ({ host }: Rig, path: string): Promise<string> =>
  (await host.operator.files.read(path, 1 << 20))?.toString() ?? '';

describe('a commit', () => {
  it('comes the commit delay after the goals are reached', async () => {
    const rig = await aRig({ commitDelaySeconds: 25 });
    await rig.propose(apps.container('web'));
    expect(await secondsUntilCommitted(rig)).toBe(25);
  });

  it('waits until containers with a stable_timeout have been at their goal for so long', async () => {
    const rig = await aRig({ commitDelaySeconds: 5 });
    const recovery = { policy: 'always', stable_timeout: 60 };
    await rig.propose(apps.container('web', { auto_recovery: recovery }).container('app'));
    await rig.until(() => rig.reasonOf('update/device') === 'Waiting for all containers to become stable');
    expect(await secondsUntilCommitted(rig)).toBe(55);
  });

  it('waits anew when such a container has ended in between', async () => {
    const rig = await aRig({ commitDelaySeconds: 5 });
    await rig.propose(apps.container('web', { auto_recovery: { policy: 'always', stable_timeout: 60 } }));
    await rig.until(() => rig.reasonOf('update/device') === 'Waiting for all containers to become stable');
    await rig.host.advance(50_000);
    rig.host.mischief.kill('web');
    expect(await secondsUntilCommitted(rig)).toBe(60);
  });

  it('counts the stable_timeout of a READY goal from the signal', async () => {
    const rig = await aRig({ commitDelaySeconds: 5 });
    rig.behaviour('web', { readyAfterMs: 30_000 });
    const recovery = { policy: 'always', stable_timeout: 20 };
    await rig.propose(apps.container('web', { status_goal: 'READY', auto_recovery: recovery }));
    expect(await secondsUntilCommitted(rig)).toBe(50);
  });

  it('does not wait for a container that an operator stopped, or that has done its work', async () => {
    const rig = await aRig({ commitDelaySeconds: 5 });
    rig.behaviour('job', { exitAfterMs: 1_000 });
    const recovery = { policy: 'on-failure', stable_timeout: 600 };
    const state = apps.container('job', { auto_recovery: recovery }).container('web', { auto_recovery: recovery });
    await rig.propose(state);
    await rig.until(() => rig.statusOf('web') === 'STARTED' && rig.statusOf('job') === 'STOPPED');
    expect(await rig.control('web', 'stop')).toBe(200);
    expect(await secondsUntilCommitted(rig)).toBeLessThan(20);
  });

  it('moves pv_rev, says DONE and points current at the revision', async () => {
    const rig = await aRig();
    await rig.propose(apps.container('web'));
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    expect(await contentOf(rig, '/storage/boot/uboot.txt')).toMatch(/pv_rev=0\0pv_try=locals\/test\0/);
    expect(await contentOf(rig, '/storage/trails/locals/test/.pv/progress')).toMatch(/"TESTING"/);
    await secondsUntilCommitted(rig);
    await rig.rest();
    expect(await contentOf(rig, '/storage/boot/uboot.txt')).toMatch(/pv_rev=locals\/test\0pv_try=\0/);
    expect(await contentOf(rig, '/storage/trails/locals/test/.pv/progress')).toMatch(/"DONE"/);
    expect(await contentOf(rig, '/storage/trails/current/.pvr/json')).toContain('web/root.squashfs');
  });
});

describe('a container that ends again and again, and is always recovered', () => {
  const looping = aState()
    .group({ name: 'apps', timeout: 20 })
    .container('web', { group: 'apps', auto_recovery: { policy: 'always', retry_delay: 1 } });

  it('never holds its goal for the commit delay, so its revision is rolled back', async () => {
    const rig = await aRig({ commitDelaySeconds: 5 });
    rig.behaviour('web', { exitAfterMs: 2_000, exit: { type: 'code', code: 1 } });
    expect(await rig.run(looping)).toBe(
      'ERROR Status goal not reached: its containers were started anew again and again',
    );
  });

  it('is committed when it holds at last', async () => {
    const rig = await aRig({ commitDelaySeconds: 5 });
    rig.behaviour('web', (_, attempt) => (attempt <= 3 ? { exitAfterMs: 2_000, exit: { type: 'code', code: 1 } } : {}));
    expect(await rig.run(looping)).toBe('DONE');
  });
});
