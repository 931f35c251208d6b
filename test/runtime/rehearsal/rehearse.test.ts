import { describe, expect, it } from 'vitest';
import { transitionOf } from '../../../resources/state-format/transition.ts';
import { aState, compiled, type StateBuilder } from '../../state-builder.ts';
import { byResource, compared, inOrder } from './compared.ts';

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

describe.each([
  ['without reboots', false],
  ['through reboots', true],
])('a rehearsal %s', (_, rebootTransitions) => {
  it.each(UPDATES)('tells beforehand what happens: %s', async (_, from, to) => {
    const device = await compared({ rebootTransitions });
    await device.run(from, 'locals/1');
    expect(device.rig().update().committed.revision).toBe('locals/1');

    const plan = await device.rehearse(to, 'locals/2');
    const really = await device.run(to, 'locals/2');
    expect(plan.ending).toEqual({ type: 'at-rest' });
    expect(plan.committed).toBe('locals/2');
    expect(byResource(plan.steps)).toEqual(byResource(really));
    expect(inOrder(plan.steps)).toEqual(inOrder(really));
    expect(really.some(({ action }) => action === 'update.reboot')).toBe(
      rebootTransitions && transitionOf(compiled(from), compiled(to)).reboot,
    );
  });
});
