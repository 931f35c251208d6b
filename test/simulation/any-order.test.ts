/**
 * The reconcilers alone, without the loop: whatever the order in which resources get their turn, every one of them
 * is done after a few steps, and then nothing is left to do.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerController } from '../../controllers/container.ts';
import { diskController } from '../../controllers/disk.ts';
import { groupController } from '../../controllers/group.ts';
import { volumeController } from '../../controllers/volume.ts';
import { reconcilers } from '../../reconcilers/index.ts';
import { refsIn } from '../../reconcilers/relations.ts';
import type { Plan } from '../../resources/plan.ts';
import { kindOf, nameOf, type Ref } from '../../resources/ref.ts';
import { EMPTY_SNAPSHOT, resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { type Controllers, controllerOf } from '../../runtime/engine/controller.ts';
import { openLedger } from '../../runtime/engine/ledger.ts';
import { perform } from '../../runtime/engine/performing.ts';
import { type Random, seededRandom } from '../../runtime/host/simulated/random.ts';
import type { SimulatedHost } from '../../runtime/host/simulated/simulated.ts';
import { lxcFile } from '../scenarios/objects.ts';
import { deviceFor } from '../scenarios/rig.ts';
import { settled } from '../scenarios/settled.ts';
import { compiled, TEST_PATHS } from '../state-builder.ts';
import { behaviourIn, NAMES, randomModel, stateOf } from './model.ts';

/** Of one resource: a disk is provisioned, formatted and activated, and back again. */
const MAX_STEPS = 6;
const HOUR_MS = 3_600_000;

interface Stage {
  readonly host: SimulatedHost;
  readonly controllers: Controllers;
  snapshot: Snapshot;
  readonly steps: Map<Ref, number>;
}

const stageFor = async (random: Random, seed: number): Promise<Stage> => {
  const host = deviceFor({ seed, disks: { '/dev/sda': {} } });
  for (const name of NAMES) host.behaviour(name, (_, __, config) => behaviourIn(config));
  const { state, contents } = stateOf(randomModel(random), lxcFile);
  for (const [id, content] of [...contents, ...usual(state.toValue())]) {
    host.mischief.write(`/storage/objects/${id}`, content);
  }
  for (const container of NAMES) {
    const config = state.toValue()[`${container}/lxc.container.conf`];
    const text = typeof config === 'string' ? contents.get(config) : undefined;
    if (text !== undefined) host.mischief.write(`/storage/trails/locals/test/${container}/lxc.container.conf`, text);
  }
  const { resources } = compiled(state);
  const ledger = await settled(host, openLedger(host.files, '/run/pantavisor/ledger', host.bootId));
  const prepare = async ({ configFile = '' }: { configFile?: string }) => ({
    config: String(await host.files.read(configFile, 1 << 20)),
    uppers: [],
  });
  const tidy = async (): Promise<void> => {};
  const container = containerController({ host, ledger, reconcile: reconcilers.container, prepare, tidy });
  host.ready.subscribe((name) => void container.signalReady(name));
  // Everything is looked at anyway; but how a container ended is told only once.
  container.watch().subscribe();
  const controllers = {
    container,
    disk: diskController(host, ledger, reconcilers.disk),
    group: groupController(host, ledger, reconcilers.group),
    volume: volumeController(host, TEST_PATHS.volumes, reconcilers.volume),
    // Nothing is proposed: the update has no part in this.
  } as Omit<Controllers, 'update'> as Controllers;
  return { host, controllers, snapshot: { ...EMPTY_SNAPSHOT, revision: '1', desired: resources }, steps: new Map() };
};

const usual = (value: Readonly<Record<string, unknown>>): [string, string][] =>
  Object.entries(value).flatMap(([key, id]) => (key.endsWith('data.squashfs') ? [[String(id), `hsqs ${key}`]] : []));

const planOf = ({ controllers, snapshot, host }: Stage, ref: Ref): Plan =>
  controllerOf(controllers, ref).reconcile(resourceIn(snapshot, ref), snapshot, host.clock.nowMs());

const look = async (stage: Stage, ref: Ref): Promise<void> => {
  const status = await settled(stage.host, controllerOf(stage.controllers, ref).observe(nameOf(ref)));
  const { [ref]: _, ...others } = stage.snapshot.observed;
  stage.snapshot = { ...stage.snapshot, observed: status === undefined ? others : { ...others, [ref]: status } };
};

/** One turn of a resource that has anything to do, chosen by chance. False: none has. */
const turn = async (stage: Stage, random: Random): Promise<boolean> => {
  const busy = refsIn(stage.snapshot).filter((ref) => planOf(stage, ref).outcome === 'acting');
  const ref = busy[random.below(busy.length)];
  if (ref === undefined) return false;
  const plan = planOf(stage, ref);
  if (plan.outcome !== 'acting') return false;
  stage.steps.set(ref, (stage.steps.get(ref) ?? 0) + 1);
  expect(stage.steps.get(ref), `${ref}: ${plan.next.type}, ${plan.reason}`).toBeLessThanOrEqual(MAX_STEPS);
  const { host, controllers } = stage;
  await settled(host, perform(controllers, plan.next, host.clock, new AbortController().signal));
  await look(stage, ref);
  return true;
};

/** Until nothing has anything to do, not even after a while. */
const converge = async (stage: Stage, random: Random): Promise<void> => {
  for (;;) {
    while (await turn(stage, random));
    const waits = refsIn(stage.snapshot).flatMap((ref) => {
      const plan = planOf(stage, ref);
      return plan.outcome === 'waiting' && plan.untilMs !== undefined ? [plan.untilMs] : [];
    });
    await stage.host.advance(Math.min(...waits, stage.host.clock.nowMs() + 1_000) - stage.host.clock.nowMs());
    for (const ref of refsIn(stage.snapshot)) await look(stage, ref);
    if (!(await turn(stage, random)) && waits.length === 0) return;
    expect(stage.host.clock.nowMs(), 'converges in bounded time').toBeLessThan(HOUR_MS);
  }
};

const outcomes = (stage: Stage): string[] =>
  refsIn(stage.snapshot).flatMap((ref) => {
    const plan = planOf(stage, ref);
    return plan.outcome === 'converged' ? [] : [`${ref} ${plan.outcome}: ${plan.reason}`];
  });

describe('in whatever order resources get their turn', () => {
  it('all come up in a few steps each, a second look does nothing, and all are taken down again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1 << 30 }), async (seed) => {
        const random = seededRandom(seed);
        const stage = await stageFor(random, seed);
        await converge(stage, random);
        expect(outcomes(stage)).toEqual([]);
        for (const ref of refsIn(stage.snapshot)) await look(stage, ref);
        expect(await turn(stage, random), 'a second look does nothing').toBe(false);

        stage.steps.clear();
        stage.snapshot = { ...stage.snapshot, desired: {} };
        await converge(stage, random);
        expect(Object.keys(stage.snapshot.observed)).toEqual([]);
        expect([...new Set([...stage.steps.keys()].map(kindOf))]).toContain('container');
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
