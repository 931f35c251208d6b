import { describe, expect, it } from 'vitest';
import { aState } from '../state-builder.ts';
import { aRig, type Rig } from './rig.ts';

const LIFE = /^(start|halt|kill)/;
const layers = aState().group({ name: 'base' }).group({ name: 'middle' }).group({ name: 'top' });
const tower = layers
  .container('a', { group: 'base' })
  .container('b', { group: 'middle' })
  .container('c', { group: 'top' });

const runningTower = async (): Promise<Rig> => {
  const rig = await aRig();
  expect(await rig.run(tower, 'locals/1')).toBe('DONE');
  rig.newLog();
  return rig;
};

/** Every name below a directory of the device. */
const treeOf = async ({ host }: Rig, directory: string): Promise<string[]> => {
  const names = (await host.operator.files.list(directory)) ?? [];
  const below = await Promise.all(
    names.map(async (name) => {
      const path = `${directory}/${name}`;
      const isDirectory = (await host.operator.files.stat(path))?.type === 'directory';
      return isDirectory ? treeOf({ host } as Rig, path) : [path];
    }),
  );
  return below.flat();
};

describe('stopping', () => {
  it('goes from the last group to the first', async () => {
    const rig = await runningTower();
    expect(await rig.run(layers, 'locals/2')).toBe('DONE');
    expect(rig.newLog(LIFE)).toEqual(['halt c', 'halt b', 'halt a']);
  });

  it('of an earlier group waits until the later one has really ended', async () => {
    const rig = await aRig();
    rig.behaviour('c', { haltMs: 3_000 });
    await rig.run(tower, 'locals/1');
    rig.newLog();
    await rig.propose(layers, 'locals/2');
    await rig.until(() => rig.statusOf('c') === 'STOPPING');
    await rig.host.advance(2_900);
    expect(rig.newLog(LIFE)).toEqual(['halt c']);
    expect(rig.reasonOf('container/b')).toBe(
      'it is not part of the revision; those that were started after it stop first',
    );
    await rig.until(() => rig.update().committed.revision === 'locals/2');
    expect(rig.newLog(LIFE)).toEqual(['halt b', 'halt a']);
  });

  it('does not hold up those that go on running', async () => {
    const rig = await runningTower();
    const pids = ['b', 'c'].map(rig.pidOf);
    await rig.run(tower.object('a/root.squashfs', 'another root'), 'locals/2');
    expect(rig.newLog(LIFE)).toEqual(['halt a', 'start a']);
    expect(['b', 'c'].map(rig.pidOf)).toEqual(pids);
  });

  it('kills what has not ended five seconds after the halt signal', async () => {
    const rig = await aRig();
    rig.behaviour('c', { ignoresHalt: true });
    await rig.run(tower, 'locals/1');
    rig.newLog();
    await rig.propose(tower.object('c/root.squashfs', 'another root'), 'locals/2');
    await rig.until(() => rig.statusOf('c') === 'STOPPING');
    await rig.host.advance(4_900);
    expect(rig.newLog(LIFE)).toEqual(['halt c']);
    await rig.host.advance(200);
    expect(rig.newLog(LIFE)).toEqual(['kill c', 'start c']);
  });

  it('kills what is frozen at once, because it cannot hear', async () => {
    const rig = await runningTower();
    await rig.propose(layers.container('a', { group: 'base' }), 'locals/2');
    rig.host.mischief.freeze('c');
    await rig.rest();
    expect(rig.newLog(LIFE)).toEqual(expect.arrayContaining(['halt b']));
    expect(rig.statusOf('c')).toBe('NONE');
  });

  it('waits while somebody stands in a volume, and goes on when he has left', async () => {
    const rig = await runningTower();
    rig.host.mischief.enter('/volumes/c/root.squashfs');
    await rig.propose(layers.container('a', { group: 'base' }), 'locals/2');
    await rig.until(() => rig.reasonOf('volume/c/root.squashfs').includes('EBUSY'));
    rig.host.mischief.leave('/volumes/c/root.squashfs');
    await rig.rest();
    expect(rig.statusOf('c')).toBe('NONE');
  });
});

describe('shutting down', () => {
  it('stops all in reverse order and leaves neither mounts nor containers nor records', async () => {
    const rig = await runningTower();
    expect(await rig.shutDown()).toEqual([]);
    expect(rig.newLog(LIFE)).toEqual(['halt c', 'halt b', 'halt a']);
    expect(await rig.host.operator.mounts.below('/volumes')).toEqual([]);
    expect(await rig.host.operator.files.list('/run/pantavisor/lxc')).toEqual([]);
    expect(await treeOf(rig, '/run/pantavisor/ledger')).toEqual(['/run/pantavisor/ledger/boot_id']);
    expect(rig.host.timers).toBe(0);
  });

  it('takes swaps, zram devices and disks off', async () => {
    const rig = await aRig();
    const disks = aState()
      .disk({ name: 'fast', type: 'swap-disk', format: 'swap', provision: 'zram', provision_options: 'disksize=8M' })
      .disk({ name: 'room', type: 'volume-disk', default: 'yes' })
      .group({ name: 'all' })
      .container('web', { storage: { 'lxc-overlay': { persistence: 'permanent', disk: 'room' } } });
    expect(await rig.run(disks)).toBe('DONE');
    expect(await rig.host.operator.disks.swaps()).toEqual(['/dev/zram0']);
    expect(await rig.shutDown()).toEqual([]);
    expect(await rig.host.operator.disks.swaps()).toEqual([]);
    expect(await rig.host.operator.files.stat('/dev/zram0')).toBeUndefined();
    expect(await rig.host.operator.mounts.below('/run/pantavisor')).toEqual([]);
  });

  it('says what it had to leave', async () => {
    const rig = await runningTower();
    rig.host.mischief.enter('/volumes/c/root.squashfs');
    expect(await rig.shutDown()).toEqual(expect.arrayContaining(['volume/c/root.squashfs', 'container/c']));
    expect(rig.host.timers).toBe(0);
  });

  it('ends a trial without a verdict: the next start goes back', async () => {
    const rig = await runningTower();
    await rig.propose(tower.object('c/root.squashfs', 'another root'), 'locals/2');
    await rig.until(() => rig.update().trial !== undefined);
    expect(await rig.shutDown()).toEqual([]);
    const next = await rig.restarted();
    await next.rest();
    expect(next.update().committed.revision).toBe('locals/1');
    expect(next.update().failures['locals/2']).toMatchObject({ message: 'Unexpected rollback' });
    expect(['a', 'b', 'c'].map(next.statusOf)).toEqual(['STARTED', 'STARTED', 'STARTED']);
  });
});
