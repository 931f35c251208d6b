/** Whatever a device is and whatever comes next: what is planned is what happens, when nothing interferes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aState, type StateBuilder } from '../../state-builder.ts';
import { byResource, compared, inOrder } from './compared.ts';

const NAMES = ['a', 'b', 'c', 'd'] as const;

const storage = fc.dictionary(
  fc.constantFrom('data', 'cache', 'tmp'),
  fc.record({ persistence: fc.constantFrom('permanent', 'revision', 'boot') }),
  { maxKeys: 2 },
);

const container = fc.record({
  group: fc.constantFrom('first', 'second', 'third'),
  goal: fc.constantFrom(undefined, 'MOUNTED', 'STARTED', 'READY'),
  policy: fc.constantFrom(undefined, 'container', 'system'),
  image: fc.constantFrom(undefined, 'data.squashfs', 'data.ext4'),
  version: fc.integer({ min: 1, max: 2 }),
  shared: fc.boolean(),
  config: fc.boolean(),
  storage,
  // Nobody can start the other one: its update is given up.
  type: fc.oneof({ weight: 15, arbitrary: fc.constant('lxc') }, { weight: 1, arbitrary: fc.constant('docker') }),
});

const state = fc.record({
  containers: fc.dictionary(fc.constantFrom(...NAMES), container, { maxKeys: NAMES.length }),
  timeout: fc.constantFrom(30, 60),
  disk: fc.constantFrom('none', 'directory', 'block', 'swap'),
  signed: fc.boolean(),
});

type Drawn = Parameters<Parameters<typeof state.map>[0]>[0];

const DISKS = {
  none: [],
  directory: [{ name: 'disk', type: 'volume-disk', default: 'yes' }],
  block: [{ name: 'disk', type: 'volume-disk', provision: 'block', path: '/dev/sdb', format: 'ext4', default: 'yes' }],
  swap: [{ name: 'swap', type: 'swap-disk', provision: 'zram', provision_options: 'disksize=1M', format: 'swap' }],
} as const;

const built = ({ containers, timeout, disk, signed }: Drawn): StateBuilder => {
  const groups = ['first', 'second', 'third'].map((name) => ({ name, timeout, restart_policy: 'container' }));
  let next = aState().with('groups.json', groups);
  if (DISKS[disk].length > 0) next = next.with('disks.json', DISKS[disk]);
  if (signed) next = next.with('_sigs/all.json', { by: 'somebody' });
  for (const [name, drawn] of Object.entries(containers)) next = withContainer(next, name, drawn);
  return next;
};

const withContainer = (to: StateBuilder, name: string, drawn: Drawn['containers'][string]): StateBuilder => {
  const { group, goal, policy, image, version, shared, config } = drawn;
  const run = {
    group,
    status_goal: goal,
    restart_policy: policy,
    volumes: [...(shared ? ['shared.bind'] : []), ...(image === undefined ? [] : [image])],
    type: drawn.type,
    storage: { 'lxc-overlay': { persistence: 'boot' }, ...drawn.storage },
  };
  let next = to.container(name, run).object(`${name}/root.squashfs`, `root ${version} of ${name}`);
  if (image !== undefined) next = next.object(`${name}/${image}`, `${image} ${version}`);
  if (shared) next = next.object(`${name}/shared.bind`, 'shared by all');
  if (config) next = next.with(`_config/${name}/etc/app.json`, { version });
  return next;
};

const objectContent = (key: string): string | undefined => (key.endsWith('.ext4') ? 'image of ext4\n' : undefined);

describe('a plan, of any update of any device', () => {
  it.each([
    ['without reboots', false],
    ['through reboots', true],
  ])('is what happens %s', { timeout: 120_000 }, async (_, rebootTransitions) => {
    const property = fc.asyncProperty(fc.array(state, { minLength: 2, maxLength: 3 }), async (drawn) => {
      const device = await compared({ rebootTransitions, disks: { '/dev/sdb': {} }, objectContent });
      for (const [at, next] of drawn.entries()) {
        const revision = `locals/${at}`;
        const plan = await device.rehearse(built(next), revision);
        const really = await device.run(built(next), revision);
        expect(byResource(plan.steps)).toEqual(byResource(really));
        const { committed, failures } = device.rig().update();
        // A daemon that reboots as soon as it starts is given a pause by the rig.
        if (failures[revision] === undefined) expect(inOrder(plan.steps)).toEqual(inOrder(really));
        expect(plan.committed).toBe(committed.revision);
        expect(plan.ending.type === 'given-up').toBe(failures[revision] !== undefined);
      }
    });
    await fc.assert(property, { numRuns: 25 });
  });
});
