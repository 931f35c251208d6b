/** Several sources of desired state beside each other, over a whole simulated device. */
import { beforeEach, expect, it } from 'vitest';
import { localRun } from '../../runtime/device/local-run.ts';
import { watchedDirectory } from '../../runtime/device/watched-directory.ts';
import type { ProposalPort, Source } from '../../runtime/sources/source.ts';
import { aState, type StateBuilder, sha256, TEST_PATHS } from '../state-builder.ts';
import { storeObjects } from './objects.ts';
import { aRig, type Rig } from './rig.ts';
import { settled } from './settled.ts';

const ONE = aState().container('web');
const TWO = aState().container('web').container('db');

let rig: Rig;
let hub: ProposalPort;
let told: string[];
let directory: Source;

const onBug = (error: unknown): void => {
  throw error;
};
/** A source of a lower precedence, as simple as one can be. */
const startSources = async (next: Rig): Promise<void> => {
  rig = next;
  told = [];
  hub = rig.device.arbiter.portFor({ name: 'hub', told: ({ revision }, { is }) => told.push(`${revision} ${is}`) });
  directory = watchedDirectory({ device: rig.device, host: rig.host, paths: TEST_PATHS, onProblem: () => {}, onBug });
  await directory.start(rig.device.arbiter.portFor(directory));
};
const drop = async (name: string, state: StateBuilder): Promise<void> => {
  await storeObjects(rig.host, state);
  await settled(rig.host, rig.host.operator.files.makeDirectory(TEST_PATHS.watch, 0o755));
  await settled(rig.host, rig.host.operator.files.write(`${TEST_PATHS.watch}/${name}.json`, state.toBytes(), 0o644));
};
const statusOf = async (name: string): Promise<string> => {
  const bytes = await settled(
    rig.host,
    rig.host.operator.files.read(`${TEST_PATHS.watch}/${name}.status.json`, 1 << 20),
  );
  const { status, reason } = bytes === undefined ? { status: 'none', reason: undefined } : JSON.parse(bytes.toString());
  return reason === undefined ? status : `${status}: ${reason}`;
};
const install = async (state: StateBuilder, revision: string) => {
  await storeObjects(rig.host, state);
  await settled(rig.host, rig.device.store.propose(revision, state.toBytes()));
  return { revision, hash: sha256(state.toText()) };
};
const become = async (revision: string): Promise<void> => {
  await rig.until(() => rig.update().committed.revision === revision && rig.update().trial === undefined);
  await rig.host.advance(1_000);
};

beforeEach(async () => startSources(await aRig()));

it('a drop is told how it fares, until it is done', async () => {
  await drop('one', ONE);
  await become('locals/one');
  expect(await statusOf('one')).toBe('DONE');
  expect(told).toEqual([]);
});

it('a drop that came back with a restarted daemon is told what became of it', async () => {
  await drop('one', ONE);
  await rig.until(() => rig.update().trial?.revision === 'locals/one');
  directory.stop();
  await startSources(await rig.restarted());
  await rig.until(() => rig.update().failures['locals/one'] !== undefined);
  await rig.host.advance(1_000);
  expect(await statusOf('one')).toBe('ERROR: the daemon ended during the trial');
});

it('the hub waits for a drop, and may propose when that is done', async () => {
  const seven = await install(TWO, '7');
  await drop('one', ONE);
  await rig.until(() => rig.update().trial?.revision === 'locals/one');
  expect(hub.propose(seven)).toEqual({
    is: 'refused',
    reason: 'locals/one, proposed by incoming/one.json, is not finished yet',
  });
  await become('locals/one');
  expect(hub.propose(seven)).toEqual({ is: 'accepted' });
  await become('7');
  expect(told.filter((line, index) => line !== told[index - 1])).toEqual(['7 testing', '7 done']);
});

it('a drop takes the place of what the hub has on trial', async () => {
  hub.propose(await install(TWO, '7'));
  await rig.until(() => rig.update().trial?.revision === '7');
  await drop('one', ONE);
  await become('locals/one');
  expect([told.at(-1), await statusOf('one')]).toEqual(['7 rolled back', 'DONE']);
  expect(rig.update().failures['7']).toMatchObject({ status: 'CANCELLED', detail: 'superseded by locals/one' });
});

it('what the control socket asked for, and was replaced before it began, is told so in its progress', async () => {
  localRun({ device: rig.device, host: rig.host, paths: TEST_PATHS, onProblem: () => {}, onBug });
  const [one, two] = [await install(ONE, 'locals/one'), await install(TWO, 'locals/two')];
  rig.device.arbiter.portFor({ name: 'control socket' }).propose(one);
  rig.device.arbiter.portFor({ name: 'push' }).propose(two);
  await become('locals/two');
  const progress = await settled(rig.host, rig.device.store.progress('locals/one'));
  expect(progress).toMatchObject({ status: 'CANCELLED', 'status-msg': 'Superseded' });
});
