import { describe, expect, it } from 'vitest';
import { aRig } from '../../scenarios/rig.ts';
import { aState, type StateBuilder } from '../../state-builder.ts';
import { byResource, performed, rehearsed } from './compared.ts';

const three = aState().group({ name: 'all' }).container('a').container('b').container('c');
const groups = aState()
  .group({ name: 'first' })
  .group({ name: 'second' })
  .container('a', { group: 'first' })
  .container('b', { group: 'second' })
  .container('c', { group: 'second' });
const data = three
  .object('b/files.bind')
  .object('b/tree.data/one')
  .container('b', {
    volumes: ['files.bind', 'tree.data'],
    storage: {
      'lxc-overlay': { persistence: 'boot' },
      kept: { persistence: 'permanent' },
      own: { persistence: 'revision' },
      tmp: { persistence: 'boot' },
    },
  });

const UPDATES: readonly (readonly [string, StateBuilder, StateBuilder])[] = [
  ['the first containers', aState(), three],
  ['one container that differs', three, three.object('b/root.squashfs', 'another root of b')],
  ['every container that differs', three, ['a', 'b', 'c'].reduce((s, n) => s.object(`${n}/x`), three)],
  ['a container that is new', three, three.container('d')],
  ['a container that is gone', three, aState().group({ name: 'all' }).container('a').container('c')],
  ['everything gone', three, aState()],
  ['nothing but a signature', three, three.with('_sigs/all.json', {})],
  ['a move between groups', groups, groups.container('c', { group: 'first' })],
  ['groups in order', aState(), groups],
  ['groups taken down in reverse', groups, groups.object('a/x').object('b/x').object('c/x')],
  ['a goal of READY', three, three.container('b', { status_goal: 'READY' })],
  ['a goal of MOUNTED', three, three.container('b', { status_goal: 'MOUNTED' })],
  ['volumes of every kind', three, data],
  ['volumes that are gone', data, three],
  ['a file of the trail that another container has', data, data.object('a/x')],
  [
    'a disk with a volume on it',
    three,
    three
      .with('disks.json', [{ name: 'd', type: 'volume-disk', default: 'yes' }])
      .container('b', { storage: { 'lxc-overlay': { persistence: 'boot' }, kept: { persistence: 'permanent' } } }),
  ],
  [
    'swap in zram',
    three,
    three.with('disks.json', [
      { name: 's', type: 'swap-disk', provision: 'zram', provision_options: 'disksize=1M', format: 'swap' },
    ]),
  ],
];

describe('a rehearsal', () => {
  it.each(UPDATES)('tells beforehand what happens: %s', async (_, from, to) => {
    const rig = await aRig();
    for (const name of ['a', 'b', 'c', 'd']) rig.behaviour(name, { readyAfterMs: 0 });
    expect(await rig.run(from, 'locals/1')).toBe('DONE');
    await rig.rest();
    const plan = await rehearsed(rig, to, 'locals/2');
    const really = await performed(rig, to, 'locals/2');
    expect(plan.ending).toEqual({ type: 'at-rest' });
    expect(plan.committed).toBe('locals/2');
    expect(byResource(plan.steps)).toEqual(byResource(really));
  });
});
