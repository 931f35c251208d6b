/** Updates touch what they change; groups start in order and stop the other way round. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type Guest, type RealState, realState } from './real-state.ts';
import { until } from './until.ts';

const NAMES = ['one', 'two', 'three'];

const three = (guests: Readonly<Record<string, Guest>> = {}): RealState =>
  NAMES.reduce((state, name) => state.container(name, guests[name]), realState());

const pidsOf = async (device: RealDevice): Promise<Readonly<Record<string, number | undefined>>> =>
  Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await device.pidOf(name)] as const)));

/** Writes down, in a directory that all containers share, when it started and stopped. */
const logging = (directory: string, name: string, run: Guest['run'], startSeconds = 0): Guest => ({
  run: { ...run },
  lines: [`lxc.mount.entry = ${directory} journal none bind,rw,create=dir 0 0`],
  behaviour: `echo 'start ${name}' >>/journal/log
trap 'pause 0.3; echo "stop ${name}" >>/journal/log; exit 0' TERM
pause ${startSeconds}
echo 'up ${name}' >>/journal/log
signal ready`,
});

const GROUPS = ['root', 'platform', 'app'].map((name) => ({ name, status_goal: 'READY', timeout: 20 }));

const grouped = (directory: string): RealState => {
  const state = GROUPS.reduce((each, group) => each.group(group), realState());
  return state
    .container('app', logging(directory, 'app', { group: 'app' }))
    .container('middle', logging(directory, 'middle', { group: 'platform' }, 0.3))
    .container('middle2', logging(directory, 'middle2', { group: 'platform' }, 0.2))
    .container('first', logging(directory, 'first', { group: 'root' }, 0.5));
};

const journal = (device: RealDevice): readonly string[] =>
  readFileSync(join(device.directory, 'log'), 'utf8').trim().split('\n');

const isBefore = (lines: readonly string[], earlier: string, later: string): boolean =>
  lines.indexOf(earlier) !== -1 && lines.indexOf(earlier) < lines.indexOf(later);

describeSystem('updates', () => {
  test('restart what they change; everything else keeps its init', async ({ device }) => {
    await device.start();
    expect(await device.deploy('first', three())).toMatchObject({ status: 'DONE' });
    const before = await pidsOf(device);
    expect(await device.deploy('second', three({ two: { behaviour: '# new\n' } }))).toMatchObject({ status: 'DONE' });
    const after = await pidsOf(device);
    expect(after).toEqual({ ...before, two: expect.any(Number) });
    expect(after['two']).not.toBe(before['two']);
  });

  test('remove what is gone, start what is new, and leave the rest', async ({ device }) => {
    await device.start();
    await device.deploy('first', three());
    const before = await pidsOf(device);
    const next = realState().container('one').container('three').container('four');
    expect(await device.deploy('second', next)).toMatchObject({ status: 'DONE' });
    expect(await pidsOf(device)).toEqual({ one: before['one'], two: undefined, three: before['three'] });
    expect(await device.stateOf('four')).toBe('STARTED');
    await until('nothing of two is left', () => !device.traces().join().includes('/two/'), { detail: device.traces });
  });

  test('start groups one after the other by their goals, and stop them in reverse', async ({ device }) => {
    await device.start();
    expect(await device.deploy('groups', grouped(device.directory))).toMatchObject({ status: 'DONE' });
    const started = journal(device);
    for (const name of ['middle', 'middle2']) {
      expect(isBefore(started, 'up first', `start ${name}`), started.join()).toBe(true);
      expect(isBefore(started, `up ${name}`, 'start app'), started.join()).toBe(true);
    }
    expect(isBefore(started, 'start middle2', 'up middle'), started.join()).toBe(true);
    expect(await device.stop()).toBe(0);
    const stopped = journal(device).slice(started.length);
    expect([stopped[0], stopped.slice(1, 3).toSorted(), stopped[3]]).toEqual([
      'stop app',
      ['stop middle', 'stop middle2'],
      'stop first',
    ]);
    expect(await device.left()).toEqual([]);
  });

  test('stop in reverse as well when a revision drops several groups', async ({ device }) => {
    await device.start();
    await device.deploy('groups', grouped(device.directory));
    const started = journal(device).length;
    expect(await device.deploy('empty', realState().container('other'))).toMatchObject({ status: 'DONE' });
    const stopped = journal(device).slice(started);
    expect([stopped[0], stopped[3]]).toEqual(['stop app', 'stop first']);
  });

  test('do not start a group whose predecessor never reaches its goal', async ({ device }) => {
    await device.start({ PV_UPDATER_GOALS_TIMEOUT: '2' });
    const state = realState()
      .group({ name: 'root', status_goal: 'READY', timeout: 3 })
      .group({ name: 'app', status_goal: 'STARTED', timeout: 3 })
      .container('silent', { run: { group: 'root' } })
      .container('app', { run: { group: 'app' } });
    device.drop('gated', state);
    await device.becomes('silent', 'STARTED');
    await until('app is blocked', async () => (await device.stateOf('app')) === 'BLOCKED');
    expect(await device.outcome('gated')).toMatchObject({
      status: 'ERROR',
      'status-msg': 'Status goal not reached',
      reason: expect.stringContaining('silent is STARTED, its goal is READY'),
    });
    expect(device.console('locals/gated', 'app')).toBe('');
  });

  test('with the goal MOUNTED mount, and run nothing', async ({ device }) => {
    await device.start();
    const state = realState()
      .group({ name: 'data', status_goal: 'MOUNTED', timeout: 20 })
      .group({ name: 'app', status_goal: 'STARTED', timeout: 20 })
      .container('data', { run: { group: 'data', type: undefined, config: undefined } })
      .container('app', {
        run: { group: 'app' },
        lines: ['lxc.mount.entry = /volumes/data/root.squashfs given none bind,ro,create=dir 0 0'],
      });
    expect(await device.deploy('mounted', state)).toMatchObject({ status: 'DONE' });
    expect(await device.stateOf('data')).toBe('MOUNTED');
    expect(await device.pidOf('data')).toBeUndefined();
    expect(readFileSync(join(device.volumes, 'data/root.squashfs/etc/origin'), 'utf8')).toBe('image\n');
    expect(await device.read('app', '/given/etc/origin')).toBe('image\n');
  });
}, ['lxc', 'loop', 'squashfs']);
