/**
 * `node --expose-gc simulated-soak.ts UPDATES RECONCILES`: a device on the simulated host for a very long time.
 *
 * The composition is the daemon's, in this process, so that heap, timers and descriptors of exactly it can be counted
 * after a collection. The simulated device's own records of what was asked of it are emptied before every sample.
 * Prints the figures as JSON.
 */
import { readdirSync } from 'node:fs';
import { refsIn } from '../../reconcilers/relations.ts';
import { aRig, type Rig } from '../../test/scenarios/rig.ts';
import { aState, type StateBuilder } from '../../test/state-builder.ts';
import type { Figure } from './figure.ts';
import type { Point } from './statistics.ts';
import { trend } from './trend.ts';

const [UPDATES = 1000, RECONCILES = 10_000] = process.argv.slice(2).map(Number);
const SAMPLES = 60;
const VARIANTS = 4;
const CONTAINERS = ['web', 'broker', 'sensor', 'cache', 'log'];
const MB = 2 ** 20;

/** Every variant changes one of the containers, adds one, or takes one away. */
const variant = (number: number): StateBuilder => {
  const changed = number % VARIANTS;
  const names = CONTAINERS.slice(0, CONTAINERS.length - (changed === 3 ? 1 : 0));
  return names.reduce(
    (state, name, index) =>
      state
        .container(name)
        .object(`_config/${name}/etc/version`, index === changed ? `changed ${changed}` : 'as before'),
    aState(),
  );
};

interface Sample {
  readonly heapMb: number;
  readonly outsideMb: number;
  readonly descriptors: number;
  readonly resources: number;
  readonly timers: number;
  readonly files: number;
}

async function filesBelow(rig: Rig, path: string): Promise<number> {
  const { files } = rig.host.operator;
  const names = await files.list(path).catch(() => undefined); // a file
  if (names === undefined) return 1;
  const counts = [];
  for (const name of names) counts.push(await filesBelow(rig, `${path}/${name}`));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function sample(rig: Rig): Promise<Sample> {
  // The simulated device remembers everything for its tests; a real one does not.
  (rig.host.log as string[]).length = 0;
  (rig.host.trace as unknown[]).length = 0;
  rig.newLog();
  if (globalThis.gc === undefined) throw new Error('start this with --expose-gc');
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return {
    heapMb: heapUsed / MB,
    outsideMb: external / MB,
    descriptors: readdirSync('/proc/self/fd').length,
    resources: process.getActiveResourcesInfo().length,
    timers: rig.host.timers,
    files: (await filesBelow(rig, '/storage')) + (await filesBelow(rig, '/run/pantavisor')),
  };
}

async function soak(rig: Rig, title: string, times: number, once: (round: number) => Promise<void>): Promise<Figure[]> {
  const samples: (Sample & { readonly x: number })[] = [];
  for (let round = 1; round <= times; round += 1) {
    await once(round);
    if (round % Math.ceil(times / SAMPLES) === 0) samples.push({ x: round, ...(await sample(rig)) });
  }
  const of = (key: keyof Sample): readonly Point[] => samples.map((each) => ({ x: each.x, y: each[key] }));
  const name = (what: string): string => `${title}: ${what}`;
  return [
    trend(name('heap after collection'), 'MB', of('heapMb'), 1),
    trend(name('memory outside the heap'), 'MB', of('outsideMb'), 1),
    trend(name('file descriptors'), 'pieces', of('descriptors'), 0),
    trend(name("Node's active resources"), 'pieces', of('resources'), 0),
    trend(name("the device's timers"), 'pieces', of('timers'), 0),
    trend(name('files in storage and run directory'), 'pieces', of('files'), 0),
  ];
}

const rig = await aRig({ commitDelaySeconds: 0 });
const updates = await soak(rig, `${UPDATES} simulated updates`, UPDATES, async (round) => {
  const outcome = await rig.run(variant(round), `locals/v${round % VARIANTS}`);
  if (outcome !== 'DONE') throw new Error(`update ${round}: ${outcome}`);
  await rig.rest();
});
const refs = refsIn(rig.device.loop.latest());
const rounds = Math.ceil(RECONCILES / refs.length);
const reconciles = await soak(rig, `${rounds} × ${refs.length} simulated reconciles`, rounds, async (round) => {
  // Every third time there is something to repair.
  if (round % 3 === 0) rig.host.mischief.kill('web');
  for (const ref of refs) rig.device.loop.look(ref);
  await rig.rest();
});
if (rig.bugs.length > 0) throw rig.bugs[0];
console.log(JSON.stringify([...updates, ...reconciles]));
