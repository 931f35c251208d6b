import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig, type Rig } from './rig.ts';

const LIFE = /^(start|halt|kill)/;
const recovery = { policy: 'on-failure', retry_delay: 5, max_retries: 3 };
const state = aState().group({ name: 'apps' }).container('web', { auto_recovery: recovery }).container('app');
const newer = state.object('app/root.squashfs', 'another root of app');

const running = async (): Promise<Rig> => {
  const rig = await aRig();
  expect(await rig.run(state, 'locals/1')).toBe('DONE');
  return rig;
};

describe('a daemon that is started again', () => {
  it('finds its containers running and leaves them alone', async () => {
    const rig = await running();
    const pids = ['web', 'app'].map(rig.pidOf);
    const next = await rig.restarted();
    await next.rest();
    expect(next.newLog()).toEqual([]);
    await expectIdle(next);
    expect(['web', 'app'].map(next.pidOf)).toEqual(pids);
    expect(next.unfinished()).toBe('');
  });

  it('writes nothing but that it started when all is as it was', async () => {
    const rig = await running();
    await rig.rest();
    const next = await rig.restarted();
    await next.rest();
    await next.until(() => next.device.history.isQuiet);
    expect(next.host.log).toEqual([
      'append to cache/history/resources-00000001.log',
      'append to cache/history/device-00000001.log',
    ]);
  });

  it('treats what ended meanwhile by its policy, with its exit status', async () => {
    const rig = await running();
    rig.host.crash();
    rig.host.mischief.kill('web', { type: 'code', code: 4 });
    await rig.host.advance(1_000);
    const next = await rig.restarted();
    await next.until(() => next.statusOf('web') === 'RECOVERING');
    expect(next.reasonOf('container/web')).toBe("it ended with exit code 4; retry 1 of 3 by policy 'on-failure'");
    await next.until(() => next.statusOf('web') === 'STARTED');
    await expectIdle(next);
  });

  it('knows that a container has done its work, and does not start it again', async () => {
    const rig = await running();
    rig.host.crash();
    rig.host.mischief.kill('web', { type: 'code', code: 0 });
    await rig.host.advance(1_000);
    const next = await rig.restarted();
    await expectIdle(next);
    expect(next.statusOf('web')).toBe('STOPPED');
    const third = await next.restarted();
    await expectIdle(third);
    expect(third.statusOf('web')).toBe('STOPPED');
  });

  it('goes on counting retries', async () => {
    const rig = await running();
    rig.behaviour('web', { exitAfterMs: 10, exit: { type: 'code', code: 1 } });
    rig.host.mischief.kill('web');
    await rig.until(() => rig.reasonOf('container/web').includes('retry 2 of 3'));
    const next = await rig.restarted();
    await next.until(() => next.reasonOf('container/web').includes('retry 3 of 3'));
  });

  it('puts right what drifted meanwhile', async () => {
    const rig = await running();
    rig.host.crash();
    rig.host.mischief.unmount('/volumes/web/lxc-overlay');
    rig.host.mischief.freeze('app');
    const next = await rig.restarted();
    await expectIdle(next);
    expect([next.statusOf('web'), next.statusOf('app')]).toEqual(['STARTED', 'STARTED']);
    expect(next.unfinished()).toBe('');
  });

  it('remembers that a container was READY', async () => {
    const rig = await aRig();
    rig.behaviour('web', { readyAfterMs: 100 });
    await rig.run(aState().group({ name: 'apps' }).container('web', { status_goal: 'READY' }));
    const next = await rig.restarted();
    await expectIdle(next);
    expect(next.statusOf('web')).toBe('READY');
  });

  it('goes on killing what its predecessor asked to stop', async () => {
    const rig = await running();
    rig.behaviour('web', { ignoresHalt: true });
    await rig.control('web', 'restart');
    await rig.until(() => rig.statusOf('web') === 'STARTED' && rig.pidOf('web') !== undefined);
    await rig.rest();
    await rig.control('web', 'stop');
    await rig.until(() => rig.statusOf('web') === 'STOPPING');
    await rig.host.advance(2_000);
    const next = await rig.restarted();
    await next.host.advance(2_900);
    expect(next.statusOf('web')).toBe('STOPPING');
    await next.until(() => next.statusOf('web') === 'STOPPED', 1_000);
    await expectIdle(next);
  });

  it('kills a start that its predecessor never finished, and starts anew', async () => {
    const rig = await aRig();
    rig.behaviour('web', (_, attempt) => (attempt === 1 ? { startMs: 3_600_000 } : {}));
    await rig.run(aState().group({ name: 'apps' }).container('app'), 'locals/1');
    await rig.propose(state, 'locals/2');
    await rig.until(() => rig.statusOf('web') === 'STARTING');
    const next = await rig.restarted();
    await next.rest();
    expect(next.statusOf('web')).toBe('NONE');
    expect(next.newLog(LIFE)).toEqual(['kill web']);
    await expectIdle(next);
  });
});

describe('a daemon that dies during a trial', () => {
  it.each([
    ['while containers start', (rig: Rig) => rig.statusOf('app') === 'STARTING'],
    ['while containers stop', (rig: Rig) => rig.statusOf('app') === 'STOPPING'],
    ['as soon as it has begun', (rig: Rig) => rig.update().trial !== undefined],
    ['during the commit delay', (rig: Rig) => rig.update().trial?.commitAtMs !== undefined],
  ])('%s goes back to what was committed', async (_, moment) => {
    const rig = await running();
    const web = rig.pidOf('web');
    await rig.propose(newer, 'locals/2');
    await rig.until(() => moment(rig));
    const next = await rig.restarted();
    await expectIdle(next);
    expect(next.update().committed.revision).toBe('locals/1');
    expect(next.update().failures['locals/2']).toMatchObject({ status: 'ERROR', message: 'Unexpected rollback' });
    expect(next.pidOf('web'), 'the container that did not differ kept its run').toBe(web);
    expect(next.statusOf('app')).toBe('STARTED');
  });

  it('by a power cut goes back as well, with the reason on record', async () => {
    const rig = await running();
    await rig.propose(newer, 'locals/2');
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    const boot = await rig.afterPowerCut();
    await expectIdle(boot);
    expect(boot.update().committed.revision).toBe('locals/1');
    expect(boot.update().failures['locals/2']).toMatchObject({ status: 'ERROR', message: 'Unexpected rollback' });
    expect([boot.statusOf('web'), boot.statusOf('app')]).toEqual(['STARTED', 'STARTED']);
  });
});

describe('a power cut', () => {
  it('brings the committed revision back, however long it ran', async () => {
    let rig = await running();
    for (let boot = 0; boot < 3; boot += 1) {
      rig = await rig.afterPowerCut();
      await expectIdle(rig);
      expect(rig.update().committed.revision).toBe('locals/1');
      expect(rig.unfinished()).toBe('');
    }
  });
});
