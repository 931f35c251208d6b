import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig } from './rig.ts';

describe('the wall clock', () => {
  it.each([
    ['back to 1970', new Date(0)],
    ['on by fifty years', new Date('2074-06-01T00:00:00Z')],
  ])('that jumps %s changes nothing', async (_, time) => {
    const rig = await aRig({ commitDelaySeconds: 30 });
    const recovery = { policy: 'always', retry_delay: 10, stable_timeout: 20, max_retries: 1, backoff_policy: '1min' };
    await rig.propose(aState().group({ name: 'apps' }).container('web', { auto_recovery: recovery }));
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    rig.host.mischief.setWallTime(time);
    const beganAtMs = rig.host.clock.nowMs();
    await rig.until(() => rig.update().trial === undefined);
    expect(rig.update().committed.revision).toBe('locals/test');
    expect(rig.host.clock.nowMs() - beganAtMs).toBe(30_000);
    await expectIdle(rig);

    rig.newLog();
    rig.host.mischief.kill('web');
    await rig.until(() => rig.statusOf('web') === 'RECOVERING');
    rig.host.mischief.setWallTime(new Date('2001-01-01T00:00:00Z'));
    await rig.host.advance(9_900);
    expect(rig.newLog(/^start/)).toEqual([]);
    await rig.host.advance(200);
    expect(rig.newLog(/^start/)).toEqual(['start web']);
    await expectIdle(rig);
  });

  it('that is wrong at boot makes neither a group late nor a revision fail', async () => {
    const rig = await aRig();
    await rig.run(aState().group({ name: 'apps', timeout: 5 }).container('web'));
    rig.host.mischief.setWallTime(new Date('1999-01-01T00:00:00Z'));
    const boot = await rig.afterPowerCut();
    boot.host.mischief.setWallTime(new Date('2090-01-01T00:00:00Z'));
    await expectIdle(boot);
    expect(boot.unfinished()).toBe('');
    expect(boot.statusOf('web')).toBe('STARTED');
  });
});
