/** Plans an update on a device of its own, then lets it really happen on the simulated one, and keeps both. */

import { rehearse } from '../../../runtime/main/rehearse.ts';
import type { Knowledge, Present, RehearsalSettings } from '../../../runtime/rehearsal/present.ts';
import { type Rehearsal, type Step, stepRecorder } from '../../../runtime/rehearsal/rehearsal.ts';
import { lookUpOn, presentOfRunning } from '../../../runtime/rehearsal/running.ts';
import type { Rig } from '../../scenarios/rig.ts';
import { settled } from '../../scenarios/settled.ts';
import { type StateBuilder, sha256, TEST_PATHS } from '../../state-builder.ts';

export const SETTINGS: RehearsalSettings = {
  paths: TEST_PATHS,
  goalsTimeoutSeconds: 120,
  commitDelaySeconds: 5,
  verityHandlers: true,
  rebootTransitions: true,
  lxc: { host: { cgroups: 'unified', firmware: false }, logLevel: 2, consoleBytes: 1 << 20, devLog: false },
  zram: true,
  swap: true,
};

export const presentOf = async (rig: Rig): Promise<Present> => {
  const { device, host } = rig;
  const present = await settled(
    host,
    presentOfRunning({
      snapshot: device.loop.latest(),
      store: device.store,
      intents: device.intents(),
      nowMs: host.clock.nowMs(),
      settings: SETTINGS,
    }),
  );
  if (present === undefined) throw new Error('the device has no state yet');
  return present;
};

/** Everything the documents of the rig name. */
export const knowledgeOf = async (rig: Rig, state: StateBuilder): Promise<Knowledge> => {
  const ids = Object.values(state.toValue()).filter((value) => typeof value === 'string');
  const configs = Object.entries(state.toValue()).flatMap(([key, value]) =>
    key.endsWith('.conf') && typeof value === 'string' ? [value] : [],
  );
  const lookUp = lookUpOn({ files: rig.host.operator.files, disks: rig.host.operator.disks }, TEST_PATHS);
  return settled(rig.host, lookUp({ objects: ids, texts: configs, disks: disksOf(state) }));
};

const disksOf = (state: StateBuilder): string[] => JSON.stringify(state.toValue()).match(/\/dev\/[a-z0-9]+/g) ?? [];

export const rehearsed = async (rig: Rig, state: StateBuilder, revision: string): Promise<Rehearsal> => {
  const document = state.toBytes();
  const proposal = { revision, hash: sha256(state.toText()), document };
  return rehearse({ present: await presentOf(rig), knowledge: await knowledgeOf(rig, state), proposal });
};

/** What the device really does for an update, as the same steps. */
export const performed = async (rig: Rig, state: StateBuilder, revision: string): Promise<readonly Step[]> => {
  const record = stepRecorder(rig.host.clock.nowMs());
  const recording = rig.device.loop.events.subscribe(record.take);
  await rig.run(state, revision);
  await rig.rest();
  recording.unsubscribe();
  return record.steps;
};

/** Steps of different resources that wait for nothing of each other are taken side by side, in no order. */
export const byResource = (steps: readonly Step[]): Readonly<Record<string, readonly string[]>> => {
  const told = Map.groupBy(steps, ({ ref }) => ref);
  return Object.fromEntries(
    [...told].map(([ref, of]) => [
      ref,
      of.map(({ sentence, reason, error }) => `${sentence}: ${reason}${error === undefined ? '' : ` [${error}]`}`),
    ]),
  );
};
