import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { expectIdle } from './idle.ts';
import { aRig } from './rig.ts';

const LIFE = /^(start|halt|kill)/;
const three = aState().group({ name: 'all' }).container('a').container('b').container('c');
const withNewB = three.object('b/root.squashfs', 'another root of b');

describe('an update', () => {
  it('stops and starts only the container that differs', async () => {
    const rig = await aRig();
    expect(await rig.run(three, 'locals/1')).toBe('DONE');
    rig.newLog();
    const [a, b, c] = ['a', 'b', 'c'].map(rig.pidOf);

    expect(await rig.run(withNewB, 'locals/2')).toBe('DONE');
    expect(rig.newLog()).toEqual([
      'halt b',
      'unmount b/root.squashfs',
      'unmount b/lxc-overlay',
      expect.stringMatching(/^mount image .* on b\/root.squashfs$/),
      'mount tmpfs on b/lxc-overlay',
      'start b',
    ]);
    expect([rig.pidOf('a'), rig.pidOf('c')]).toEqual([a, c]);
    expect(rig.pidOf('b')).not.toBe(b);
    expect(rig.update().committed.revision).toBe('locals/2');
    await expectIdle(rig);
  });

  it.each([
    ['its LXC configuration', three.object('b/lxc.container.conf', 'another configuration')],
    ['its run.json', three.container('b', { roles: ['nobody'] })],
    ['its _config', three.object('_config/b/etc/hostname', 'b')],
    ['a file of its own', three.object('b/extra.txt', 'anything')],
  ])('restarts a container when %s changes', async (_, changed) => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    rig.newLog();
    expect(await rig.run(changed, 'locals/2')).toBe('DONE');
    expect(rig.newLog(LIFE)).toEqual(['halt b', 'start b']);
  });

  it.each([
    ['only its name is new', three],
    ['signatures are added', three.with('_sigs/all.json', { '#spec': 'pvs@2' })],
    ['where a container came from is noted', three.with('b/src.json', { '#spec': 'service-manifest-src@1' })],
  ])('touches nobody when %s', async (_, changed) => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    rig.newLog();
    expect(await rig.run(changed, 'locals/2')).toBe('DONE');
    expect(rig.newLog()).toEqual([]);
    await expectIdle(rig);
  });

  it('leaves a container alone whose volumes have the revision in their path', async () => {
    const rig = await aRig();
    const storage = { 'lxc-overlay': { persistence: 'revision' } };
    const state = three
      .container('a', { storage, volumes: ['hosts.bind', 'site.data'] })
      .object('a/hosts.bind')
      .object('a/site.data/index.html');
    expect(await rig.run(state, 'locals/1')).toBe('DONE');
    rig.newLog();
    const a = rig.pidOf('a');
    expect(await rig.run(state.object('b/root.squashfs', 'another root of b'), 'locals/2')).toBe('DONE');
    expect(rig.newLog(LIFE)).toEqual(['halt b', 'start b']);
    expect(rig.pidOf('a')).toBe(a);
    await expectIdle(rig);
    expect(rig.unfinished()).toBe('');
    await expectIdle(await rig.restarted());
  });

  it('takes a container away with its mounts and its directory', async () => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    rig.newLog();
    const fewer = aState().group({ name: 'all' }).container('a').container('c');
    expect(await rig.run(fewer, 'locals/2')).toBe('DONE');
    expect(rig.newLog()).toEqual(['halt b', 'unmount b/root.squashfs', 'unmount b/lxc-overlay']);
    expect(rig.statusOf('b')).toBe('NONE');
    expect(await rig.host.operator.files.list('/run/pantavisor/lxc')).toEqual(['a', 'c']);
    await expectIdle(rig);
  });

  it('brings a container in beside those that run', async () => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    rig.newLog();
    expect(await rig.run(three.container('d'), 'locals/2')).toBe('DONE');
    expect(rig.newLog(LIFE)).toEqual(['start d']);
  });

  it('to the same content under the same name changes and writes nothing', async () => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    await expectIdle(rig);
    rig.newLog();
    const written = rig.host.log.length;
    rig.proposals.propose(rig.update().committed);
    await rig.host.settle();
    expect(rig.host.log.slice(written)).toEqual([]);
    await expectIdle(rig);
  });

  it('that is proposed during a trial replaces that, and what both want alike is not touched', async () => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    await rig.propose(withNewB, 'locals/2');
    await rig.until(() => rig.update().trial?.commitAtMs !== undefined);
    rig.newLog();
    const b = rig.pidOf('b');

    expect(await rig.run(withNewB.object('c/root.squashfs', 'another root of c'), 'locals/3')).toBe('DONE');
    expect(rig.newLog(LIFE)).toEqual(['halt c', 'start c']);
    expect(rig.pidOf('b')).toBe(b);
    expect(rig.update().failures['locals/2']).toMatchObject({
      status: 'CANCELLED',
      message: 'Update aborted',
      detail: 'superseded by locals/3',
    });
    await expectIdle(rig);
  });

  it('that was replaced may be proposed again', async () => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    await rig.propose(withNewB, 'locals/2');
    await rig.until(() => rig.update().trial !== undefined);
    await rig.run(three.container('d'), 'locals/3');
    expect(await rig.run(withNewB, 'locals/2')).toBe('DONE');
  });

  it('is dropped when the committed revision is asked for during its trial', async () => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    const committed = rig.update().committed;
    await rig.propose(withNewB, 'locals/2');
    await rig.until(() => rig.update().trial !== undefined);
    rig.proposals.propose(committed);
    await rig.until(() => rig.update().trial === undefined);
    expect(rig.update().failures['locals/2']).toMatchObject({ status: 'CANCELLED' });
    await expectIdle(rig);
    expect(rig.update().committed.revision).toBe('locals/1');
  });

  it('waits for the one before it only as long as a step takes', async () => {
    const rig = await aRig();
    await rig.run(three, 'locals/1');
    rig.behaviour('b', { ignoresHalt: true });
    rig.behaviour('c', { readyAfterMs: 3_600_000 });
    await rig.propose(three.container('c', { status_goal: 'READY' }), 'locals/2');
    await rig.until(() => rig.statusOf('c') === 'STARTED' && rig.update().trial !== undefined);
    const before = rig.host.clock.nowMs();
    await rig.propose(three, 'locals/3');
    await rig.until(() => rig.update().trial?.revision === 'locals/3');
    expect(rig.host.clock.nowMs() - before).toBeLessThan(100);
    await rig.rest();
    expect(rig.update().committed.revision).toBe('locals/3');
  });

  it('is followed by further updates, each touching what differs', async () => {
    const rig = await aRig({ commitDelaySeconds: 0 });
    for (let number = 1; number <= 20; number += 1) {
      const state = three.object('b/root.squashfs', `root ${number}`);
      expect(await rig.run(state, `locals/${number}`)).toBe('DONE');
    }
    const deeds = rig.newLog(LIFE);
    expect(deeds.filter((deed) => deed === 'start a')).toHaveLength(1);
    expect(deeds.filter((deed) => deed === 'start b')).toHaveLength(20);
    await expectIdle(rig);
  });
});
