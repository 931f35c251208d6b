import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig } from './rig.ts';

const layers = aState().group({ name: 'base', timeout: 10 }).group({ name: 'apps', timeout: 10 });
const LIFE = /^(start|halt|kill)/;

describe('groups', () => {
  it('start one after the other, in their order and not in that of the document', async () => {
    const rig = await aRig();
    const state = layers.container('app', { group: 'apps' }).container('web', { group: 'base' });
    expect(await rig.run(state)).toBe('DONE');
    expect(rig.newLog(LIFE)).toEqual(['start web', 'start app']);
    await expectIdle(rig);
  });

  it('hold their members back, with their volumes mounted, until the earlier goals are reached', async () => {
    const rig = await aRig();
    rig.behaviour('web', { startMs: 3_000 });
    await rig.propose(layers.container('web', { group: 'base' }).container('app', { group: 'apps' }));
    await rig.until(() => rig.statusOf('web') === 'STARTING');
    await rig.host.advance(2_900);
    expect(rig.statusOf('app')).toBe('BLOCKED');
    expect(rig.reasonOf('container/app')).toBe('group apps is not open yet');
    expect(rig.reasonOf('group/apps')).toBe('earlier groups come first');
    await rig.until(() => rig.statusOf('app') === 'STARTED');
  });

  it('start their members together', async () => {
    const rig = await aRig();
    for (const name of ['a', 'b', 'c']) rig.behaviour(name, { startMs: 1_000 });
    const state = ['a', 'b', 'c'].reduce((all, name) => all.container(name), aState().group({ name: 'all' }));
    await rig.propose(state);
    await rig.until(() => rig.statusOf('a') === 'STARTED', 1_100);
    await rig.host.advance(0);
    expect([rig.statusOf('b'), rig.statusOf('c')]).toEqual(['STARTED', 'STARTED']);
  });

  it('wait for READY to be signalled where that is the goal', async () => {
    const rig = await aRig();
    rig.behaviour('web', { readyAfterMs: 4_000 });
    const web = { group: 'base', status_goal: 'READY' };
    await rig.propose(layers.container('web', web).container('app', { group: 'apps' }));
    await rig.until(() => rig.statusOf('web') === 'STARTED');
    await rig.host.advance(3_900);
    expect(rig.newLog(LIFE)).toEqual(['start web']);
    await rig.until(() => rig.statusOf('app') === 'STARTED');
    expect(rig.statusOf('web')).toBe('READY');
    await expectIdle(rig);
  });

  it('refuse a signal of a container that need not become ready', async () => {
    const rig = await aRig();
    await rig.run(layers.container('web', { group: 'base' }));
    expect(await rig.device.signalReady('web')).toBe(false);
    expect(await rig.device.signalReady('nobody')).toBe(false);
  });

  it('only mount the volumes of a container whose goal is MOUNTED', async () => {
    const rig = await aRig();
    const data = { group: 'base', status_goal: 'MOUNTED' };
    expect(await rig.run(layers.container('data', data).container('app', { group: 'apps' }))).toBe('DONE');
    const log = rig.newLog();
    expect(log.filter((deed) => deed.includes('data/'))).toEqual([
      expect.stringMatching(/^mount image .* on data\/root.squashfs$/),
      'mount tmpfs on data/lxc-overlay',
    ]);
    expect(log.filter((deed) => deed.startsWith('start'))).toEqual(['start app']);
    expect(rig.statusOf('data')).toBe('MOUNTED');
    await expectIdle(rig);
  });

  it('roll a trial back when their time is up, naming who was late', async () => {
    const rig = await aRig();
    const web = { group: 'base', status_goal: 'READY' };
    const outcome = await rig.run(layers.container('web', web).container('app', { group: 'apps' }));
    expect(outcome).toBe('ERROR Status goal not reached: web is STARTED, its goal is READY');
    await expectIdle(rig);
    expect(rig.newLog()).toEqual([]);
    expect(rig.statusOf('web')).toBe('NONE');
  });

  it('let the later ones pass at boot when their time is up', async () => {
    const rig = await aRig();
    rig.behaviour('web', { readyAfterMs: 10 });
    const web = { group: 'base', status_goal: 'READY' };
    expect(await rig.run(layers.container('web', web).container('app', { group: 'apps' }))).toBe('DONE');
    rig.behaviour('web', {});

    const boot = await rig.afterPowerCut();
    await boot.until(() => boot.statusOf('web') === 'STARTED');
    await boot.host.advance(9_000);
    expect(boot.statusOf('app')).toBe('BLOCKED');
    await boot.until(() => boot.statusOf('app') === 'STARTED', 2_000);
    await boot.rest();
    expect(boot.reasonOf('group/base')).toBe('not reached in 10 s: web is STARTED, its goal is READY');
    await expectIdle(boot);
  });

  it('forget that they were late when the goal is reached after all', async () => {
    const rig = await aRig();
    rig.behaviour('web', { readyAfterMs: 10 });
    await rig.run(layers.container('web', { group: 'base', status_goal: 'READY' }));
    rig.behaviour('web', { readyAfterMs: 15_000 });
    const boot = await rig.afterPowerCut();
    await boot.until(() => boot.reasonOf('group/base').startsWith('not reached'));
    await boot.until(() => boot.statusOf('web') === 'READY');
    await expectIdle(boot);
    expect(boot.unfinished()).toBe('');
  });

  it('that are empty hold nobody up', async () => {
    const rig = await aRig();
    expect(await rig.run(layers.group({ name: 'late' }).container('app', { group: 'late' }))).toBe('DONE');
    expect(rig.statusOf('app')).toBe('STARTED');
  });
});
