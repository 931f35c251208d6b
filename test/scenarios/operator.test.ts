import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig } from './rig.ts';

const LIFE = /^(start|halt|kill)/;
const apps = aState().group({ name: 'apps' });
const both = apps.container('web', { auto_recovery: { policy: 'always', retry_delay: 60 } }).container('app');

const running = async (): Promise<Rig> => {
  const rig = await aRig();
  expect(await rig.run(both, 'locals/1')).toBe('DONE');
  rig.newLog();
  return rig;
};

describe('an operator', () => {
  it('stops a container, which lets go of its volumes and stays stopped', async () => {
    const rig = await running();
    expect(await rig.control('web', 'stop')).toBe(200);
    await expectIdle(rig);
    expect(rig.statusOf('web')).toBe('STOPPED');
    expect(rig.unfinished()).toBe('');
    expect(await rig.host.operator.mounts.below('/volumes/web')).toEqual([]);
  });

  it('starts it again', async () => {
    const rig = await running();
    await rig.control('web', 'stop');
    await rig.rest();
    expect(await rig.control('web', 'start')).toBe(200);
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    expect(rig.newLog(LIFE)).toEqual(['halt web', 'start web']);
    await expectIdle(rig);
  });

  it('restarts one, and only that one', async () => {
    const rig = await running();
    const [web, app] = [rig.pidOf('web'), rig.pidOf('app')];
    expect(await rig.control('web', 'restart')).toBe(200);
    await rig.until(() => rig.pidOf('web') !== web && rig.statusOf('web') === 'STARTED');
    expect(rig.newLog(LIFE)).toEqual(['halt web', 'start web']);
    expect(rig.pidOf('app')).toBe(app);
    await expectIdle(rig);
  });

  it('need not wait for a recovery that is under way', async () => {
    const rig = await running();
    rig.host.mischief.kill('web');
    await rig.until(() => rig.statusOf('web') === 'RECOVERING');
    expect(await rig.control('web', 'start')).toBe(200);
    await rig.until(() => rig.statusOf('web') === 'STARTED', 1_000);
  });

  it('stops one that recovers, and it stays stopped', async () => {
    const rig = await running();
    rig.host.mischief.kill('web');
    await rig.until(() => rig.statusOf('web') === 'RECOVERING');
    rig.newLog();
    expect(await rig.control('web', 'stop')).toBe(200);
    await rig.rest();
    expect(rig.statusOf('web')).toBe('STOPPED');
    expect(rig.newLog(LIFE)).toEqual([]);
    await expectIdle(rig);
  });

  it('changes his mind while the container stops, and it comes back', async () => {
    const rig = await aRig();
    rig.behaviour('web', { haltMs: 3_000 });
    await rig.run(both, 'locals/1');
    await rig.control('web', 'stop');
    await rig.until(() => rig.statusOf('web') === 'STOPPING');
    expect(await rig.control('web', 'start')).toBe(200);
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    await expectIdle(rig);
  });

  it('stops a container that starts', async () => {
    const rig = await running();
    rig.behaviour('web', { startMs: 10_000 });
    await rig.control('web', 'restart');
    await rig.until(() => rig.statusOf('web') === 'STARTING');
    expect(await rig.control('web', 'stop')).toBe(200);
    await expectIdle(rig);
    expect(rig.statusOf('web')).toBe('STOPPED');
  });

  it('restarts a container whose start hangs', async () => {
    const rig = await running();
    rig.behaviour('web', (_, attempt) => (attempt === 2 ? { startMs: 3_600_000 } : {}));
    rig.host.mischief.kill('web');
    await rig.until(() => rig.statusOf('web') === 'STARTING');
    expect(await rig.control('web', 'restart')).toBe(200);
    await rig.host.advance(120_000);
    await expectIdle(rig);
    expect(rig.statusOf('web')).toBe('STARTED');
  });

  it('restarts a container whose start is refused', async () => {
    const rig = await running();
    rig.behaviour('web', (_, attempt) => (attempt === 2 ? { startMs: 1_000, failsToStart: 'no' } : {}));
    await rig.control('web', 'stop');
    await rig.rest();
    await rig.control('web', 'start');
    await rig.until(() => rig.statusOf('web') === 'STARTING');
    expect(await rig.control('web', 'restart')).toBe(200);
    await rig.host.advance(1_100);
    await expectIdle(rig);
    expect(rig.statusOf('web')).toBe('STARTED');
  });

  it('is told when a start makes no sense', async () => {
    const rig = await aRig();
    await rig.run(apps.container('data', { status_goal: 'MOUNTED' }));
    expect(await rig.control('data', 'start')).toBe(400);
    expect(await rig.control('data', 'restart')).toBe(400);
  });

  it('is obeyed by the next daemon too', async () => {
    const rig = await running();
    await rig.control('web', 'stop');
    await rig.rest();
    const next = await rig.restarted();
    await expectIdle(next);
    expect(next.statusOf('web')).toBe('STOPPED');
    expect(await next.control('web', 'start')).toBe(200);
    await next.until(() => next.statusOf('web') === 'STARTED');
  });

  it('is obeyed after an update of something else, and after a boot no more', async () => {
    const rig = await running();
    await rig.control('web', 'stop');
    await rig.rest();
    rig.newLog();
    expect(await rig.run(both.object('app/root.squashfs', 'another root'), 'locals/2')).toBe('DONE');
    expect(rig.newLog(LIFE)).toEqual(['halt app', 'start app']);
    expect(rig.statusOf('web')).toBe('STOPPED');

    const boot = await rig.afterPowerCut();
    await boot.rest();
    expect(boot.statusOf('web')).toBe('STARTED');
  });

  it('has his restart remembered, so that the next daemon does not restart again', async () => {
    const rig = await running();
    await rig.control('web', 'restart');
    await rig.rest();
    const web = rig.pidOf('web');
    const next = await rig.restarted();
    await expectIdle(next);
    expect(next.pidOf('web')).toBe(web);
  });

  it('does not make a trial fail by stopping a container', async () => {
    const rig = await running();
    await rig.propose(both.object('app/root.squashfs', 'another root'), 'locals/2');
    await rig.until(() => rig.update().trial !== undefined);
    await rig.control('web', 'stop');
    await rig.until(() => rig.update().trial === undefined);
    expect(rig.update().committed.revision).toBe('locals/2');
  });
});
