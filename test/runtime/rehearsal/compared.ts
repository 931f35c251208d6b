/** A simulated device whose updates are planned first and then really happen, and both kept as steps. */

import type { SimulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import type { Knowledge, Present, RehearsalSettings } from '../../../runtime/rehearsal/present.ts';
import { lookUpOn, presentOfRunning } from '../../../runtime/rehearsal/present-of-running.ts';
import { type Rehearsal, type Step, stepRecorder } from '../../../runtime/rehearsal/rehearsal.ts';
import { rehearse } from '../../../runtime/rehearsal/rehearse.ts';
import { storeObjects } from '../../scenarios/objects.ts';
import { aRig, type Rig, type RigOptions } from '../../scenarios/rig.ts';
import { DaemonDied, settled } from '../../scenarios/settled.ts';
import { type StateBuilder, sha256, TEST_PATHS } from '../../state-builder.ts';

const SETTINGS: RehearsalSettings = {
  paths: TEST_PATHS,
  goalsTimeoutSeconds: 120,
  commitDelaySeconds: 5,
  verityHandlers: true,
  appengine: true,
  rebootTransitions: true,
  lxc: {
    host: { cgroups: 'unified', firmware: false },
    logLevel: 2,
    consoleBytes: 1 << 20,
    capture: true,
    devLog: false,
  },
  zram: true,
  swap: true,
};

export const presentOf = async (rig: Rig, changes: Partial<RehearsalSettings> = {}): Promise<Present> => {
  const { device, host } = rig;
  const present = await settled(
    host,
    presentOfRunning({
      snapshot: device.loop.latest(),
      store: device.store,
      intents: device.intents(),
      nowMs: host.clock.nowMs(),
      settings: { ...SETTINGS, ...changes },
    }),
  );
  if (present === undefined) throw new Error('the device has no state yet');
  return present;
};

/** Everything the state names. */
export const knowledgeOf = async (rig: Rig, state: StateBuilder): Promise<Knowledge> => {
  const ids = Object.values(state.toValue()).filter((value) => typeof value === 'string');
  const configs = Object.entries(state.toValue()).flatMap(([key, value]) =>
    key.endsWith('.conf') && typeof value === 'string' ? [value] : [],
  );
  const lookUp = lookUpOn({ files: rig.host.operator.files, disks: rig.host.operator.disks }, TEST_PATHS);
  return settled(rig.host, lookUp({ objects: ids, texts: configs, disks: disksOf(state) }));
};

const disksOf = (state: StateBuilder): string[] => JSON.stringify(state.toValue()).match(/\/dev\/[a-z0-9]+/g) ?? [];

export interface Compared {
  rig(): Rig;
  /** What would happen. */
  rehearse(state: StateBuilder, revision: string): Promise<Rehearsal>;
  /** What is about to happen anyway. */
  rehearseNow(): Promise<Rehearsal>;
  /** What the device really does for an update, until it is at rest. */
  run(state: StateBuilder, revision: string): Promise<readonly Step[]>;
  /** What it really does by itself. */
  runOn(): Promise<readonly Step[]>;
}

export const compared = async (options: RigOptions = {}): Promise<Compared> => {
  const rebootTransitions = options.rebootTransitions ?? false;
  let record = stepRecorder(0);
  let on: SimulatedHost | undefined;
  let rig = await aRig({
    ...options,
    onEvent: (event, host) => {
      if (on !== undefined && host !== on) record.rebooted(on.clock.nowMs(), host.clock.nowMs());
      on = host;
      record.take(event);
    },
  });
  const ready = (): void => {
    // As in a rehearsal, where whoever starts is ready.
    for (const name of ['a', 'b', 'c', 'd', 'e']) rig.behaviour(name, { readyAfterMs: 0 });
  };
  const restOrBoot = async (): Promise<void> => {
    try {
      await rig.rest();
    } catch (error) {
      if (!(error instanceof DaemonDied && rig.host.rebooting)) throw error;
      rig = await rig.afterPowerCut();
      await restOrBoot();
    }
  };
  const present = (): Promise<Present> => presentOf(rig, { rebootTransitions });
  ready();
  return {
    rig: () => rig,
    rehearse: async (state, revision) => {
      await storeObjects(rig.host, state, options.objectContent);
      const proposal = { revision, hash: sha256(state.toText()), document: state.toBytes() };
      return rehearse({ present: await present(), knowledge: await knowledgeOf(rig, state), proposal });
    },
    rehearseNow: async () => rehearse({ present: await present(), knowledge: { ...NOTHING } }),
    run: async (state, revision) => {
      record = stepRecorder(rig.host.clock.nowMs());
      await rig.propose(state, revision);
      await rig.host.settle();
      await restOrBoot();
      return record.steps;
    },
    runOn: async () => {
      record = stepRecorder(rig.host.clock.nowMs());
      await restOrBoot();
      return record.steps;
    },
  };
};

const NOTHING: Knowledge = { sizes: new Map(), texts: new Map(), disks: new Map() };

const told = ({ sentence, reason, error }: Step): string =>
  `${sentence}: ${reason}${error === undefined ? '' : ` [${error}]`}`;

/**
 * Everything that is done at one instant waits for nothing else that is done then, and has no order of its own; what
 * is done at different instants has.
 */
export const inOrder = (steps: readonly Step[]): readonly (readonly string[])[] =>
  [...Map.groupBy(steps, ({ afterMs }) => afterMs)].map(([, together]) => together.map(told).sort());

/** Steps of different resources that wait for nothing of each other are taken side by side, in no order. */
export const byResource = (steps: readonly Step[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries([...Map.groupBy(steps, ({ ref }) => ref)].map(([ref, of]) => [ref, of.map(told)]));
