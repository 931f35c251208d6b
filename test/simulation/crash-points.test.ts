/**
 * One update (two containers change, one stays), cut off at every operation: the daemon killed, or the power cut,
 * before, in the middle of, and after it. The next start must end in the old revision or the new one, whole.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { type Fault, type Faults, faultPoints, type Operation } from '../../runtime/host/simulated/operation.ts';
import { aRig, type Rig } from '../scenarios/rig.ts';
import { DaemonDied } from '../scenarios/settled.ts';
import { aState, type StateBuilder } from '../state-builder.ts';

const groups = aState().group({ name: 'base' }).group({ name: 'apps' }).disk({ name: 'room', type: 'volume-disk' });
const on = { storage: { 'lxc-overlay': { persistence: 'permanent', disk: 'room' } } };
const old = groups
  .container('stays', { group: 'base' })
  .container('a', { group: 'apps', ...on })
  .container('b', { group: 'apps' });
const changed: StateBuilder = old
  .object('a/root.squashfs', 'another root of a')
  .object('b/lxc.container.conf', 'another configuration of b')
  .object('_config/b/etc/hostname', 'b');
/** Every how-manieth operation is cut at; 1: every one, which takes a minute and more. */
const STRIDE = Number(process.env['SIMULATION_STRIDE'] ?? 4);
const SHARDS = 4;
const LIMIT_MS = 120_000;

type When = 'before' | 'tear' | 'after';
const WHENS = ['before', 'tear', 'after'] as const satisfies readonly When[];

const running = async (seed = 1): Promise<Rig> => {
  const rig = await aRig({ seed, lazy: true, commitDelaySeconds: 1 });
  expect(await rig.run(old, 'locals/old')).toBe('DONE');
  await rig.rest();
  await rig.host.advance(60_000);
  return rig;
};

/** The operations of an undisturbed update. */
const operationsOfUpdate = async (): Promise<readonly Operation[]> => {
  const rig = await running();
  const before = rig.host.trace.length;
  expect(await rig.run(changed, 'locals/new')).toBe('DONE');
  await rig.rest();
  // Notifications cannot be cut off: what is told was done by somebody else.
  return rig.host.trace
    .slice(before)
    .filter(({ name }) => !['changes', 'exits', 'watch', 'swapChanges'].includes(name));
};

/** What was really cut off, in words. */
const cuts = new Set<string>();

const cutAt = (index: number, when: When): Faults => {
  let left = index;
  const at =
    (fault: Fault) =>
    ({ port, name }: Operation): Fault | undefined => {
      left -= 1;
      if (left !== -1) return undefined;
      cuts.add(`${when} ${port}.${name} ${index}`);
      return fault;
    };
  return when === 'after' ? { after: at('crash') } : { before: at(when === 'tear' ? 'tear' : 'crash') };
};

const update = async (rig: Rig): Promise<void> => {
  try {
    await rig.run(changed, 'locals/new');
    await rig.rest();
  } catch (error) {
    if (!(error instanceof DaemonDied)) throw error;
  }
};

const expectWhole = async (rig: Rig, stays: number | undefined): Promise<void> => {
  await rig.rest();
  const { committed, trial, failures } = rig.update();
  expect(trial).toBeUndefined();
  expect(['locals/old', 'locals/new']).toContain(committed.revision);
  const expected = committed.revision === 'locals/old' ? old : changed;
  for (const name of ['stays', 'a', 'b']) {
    expect(rig.statusOf(name)).toBe('STARTED');
    const root = await rig.host.mounts.at(`/volumes/${name}/root.squashfs`);
    expect(root?.sources).toEqual([`/storage/objects/${expected.toValue()[`${name}/root.squashfs`]}`]);
    const { spec, status } = {
      spec: rig.device.loop.latest().desired[`container/${name}`],
      status: rig.phaseOf(name),
    };
    expect(spec).toMatchObject({ definition: status?.definition });
  }
  if (stays !== undefined) expect(rig.pidOf('stays')).toBe(stays);
  expect(Object.keys(failures).filter((revision) => failures[revision]?.detail === '')).toEqual([]);
  expect(rig.unfinished()).toBe('');
  expect(rig.bugs).toEqual([]);
};

const cutAndRestart = async (index: number, when: When, power: boolean): Promise<void> => {
  const rig = await running(index + 1);
  const stays = rig.pidOf('stays');
  rig.host.faults = cutAt(index, when);
  await update(rig);
  rig.host.faults = {};
  const next = power ? await rig.afterPowerCut() : await rig.restarted();
  try {
    await expectWhole(next, power ? undefined : stays);
    // What was cut off does not stand in the way of trying again, unless it failed for good.
    expect(await next.run(changed.container('c', { group: 'apps' }), 'locals/third')).toBe('DONE');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${power ? 'power' : 'daemon'} cut ${when} operation ${index}: ${message}`, { cause: error });
  }
};

describe('an update that is cut off', async () => {
  const operations = await operationsOfUpdate();
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);

  it.each(WHENS.flatMap((when) => shards.map((shard) => [when, shard] as const)))(
    `(%s an operation, part %i of ${SHARDS}) ends old or new, whole`,
    { timeout: LIMIT_MS },
    async (when, shard) => {
      const offset = WHENS.indexOf(when) % STRIDE;
      for (let index = offset + shard * STRIDE; index < operations.length; index += SHARDS * STRIDE) {
        await cutAndRestart(index, when, false);
        await cutAndRestart(index, when, true);
      }
    },
  );

  afterAll(() => {
    const kinds = faultPoints(operations);
    process.stdout.write(
      `${cuts.size} distinct fault points cut, each by killing the daemon and by a power cut; ` +
        `the update has ${operations.length} operations of ${kinds.length} kinds: ${kinds.join(', ')}\n`,
    );
  });
});
