/**
 * The promises, checked on a device that is calm again: it converges, to one revision as a whole, with a recorded
 * reason for what failed; a second look does nothing; the next update touches what differs; nothing is left at the end.
 */
import { refOf } from '../../resources/ref.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import { lxcFile } from '../scenarios/objects.ts';
import type { Rig } from '../scenarios/rig.ts';
import { objectId, sha256 } from '../state-builder.ts';
import { type Bench, lookAtEverything, propose, restOf } from './bench.ts';
import { type ContainerModel, type DeviceModel, isSpoiled, stateOf } from './model.ts';

/** Of simulated time. All backoffs, rests and groups are minutes; only reading what is to be tried may take an hour. */
const LIMIT_MS = 7_200_000;
/** Longer than any job takes (model.ts). */
const JOB_LIMIT_MS = 1_000;
const EMPTY: DeviceModel = { groups: [], disks: [], containers: [] };

export class Broken extends Error {}

const promise = (holds: boolean, otherwise: () => string): void => {
  if (!holds) throw new Broken(otherwise());
};

/** @throws Broken, naming the promise. */
export const checkPromises = async (bench: Bench): Promise<void> => {
  await rest(bench, 'when all was calm again');
  checkUpdate(bench);
  // Safe mode says why it is on; the next good revision has to end it.
  if (bench.rig.update().lifeline === undefined) await checkWhole(bench.rig, committedModel(bench));
  await checkSecondLook(bench);
  await checkNextUpdate(bench);
  await checkNothingLeft(bench.rig);
  promise(bench.rig.bugs.length === 0, () => `a bug was reported: ${bench.rig.bugs[0]}`);
};

const rest = async (bench: Bench, when: string): Promise<void> => {
  try {
    await restOf(bench, LIMIT_MS);
  } catch (error) {
    const { rig } = bench;
    if (rig.bugs.length > 0) throw error;
    const acting = Object.entries(rig.device.loop.latest().lastActions)
      .filter(([, { finishedAtMs }]) => finishedAtMs === undefined)
      .map(([ref, { action }]) => `${ref} is still at ${action}`);
    const told = error instanceof Error ? error.message : String(error);
    throw new Broken(`P1: not converged ${when}: ${[told, ...acting].join('\n')}`);
  }
};

const committedModel = ({ rig, proposed }: Bench): DeviceModel => {
  const { revision } = rig.update().committed;
  return revision === '0' ? EMPTY : (proposed.get(revision) ?? EMPTY);
};

const checkUpdate = ({ rig, proposed, newest }: Bench): void => {
  const { committed, trial, failures, unreadable } = rig.update();
  promise(trial === undefined, () => `P1: the trial of ${trial?.revision} never ended`);
  promise(unreadable === undefined, () => `P2: ${committed.revision} cannot be read: ${unreadable}`);
  const { revision } = committed;
  promise(revision === '0' || proposed.has(revision), () => `P2: ${revision} was never proposed`);
  promise(!isSpoiled(proposed.get(revision) ?? EMPTY), () => `P3: ${revision} was committed though it cannot run`);
  if (newest === undefined || !proposed.has(newest.revision) || revision === newest.revision) return;
  const told = failures[newest.revision]?.detail ?? rig.reasonOf('update/device');
  promise(told !== '', () => `P3: ${newest.revision} was given up without a reason`);
};

const checkWhole = async (rig: Rig, model: DeviceModel): Promise<void> => {
  const present = await rig.host.containers.list();
  const names = model.containers.map(({ name }) => name);
  const strangers = present.filter((name) => !names.includes(name));
  promise(strangers.length === 0, () => `P2: ${strangers.join(', ')} belong to no revision that runs`);
  for (const container of model.containers) await checkContainer(rig, container);
  await checkMounts(rig, model);
};

const checkContainer = async (rig: Rig, container: ContainerModel): Promise<void> => {
  const { name, behaviour } = container;
  const ref = refOf('container', name);
  const { spec, status } = resourceIn(rig.device.loop.latest(), ref);
  const isGivenUp = status?.phase === 'exited' && rig.reasonOf(ref) !== '';
  const seen = `${name} is ${rig.statusOf(name)}${rig.reasonOf(ref) && `, ${rig.reasonOf(ref)}`}`;
  promise(status !== undefined && status.definition === spec?.definition, () => `P2: ${name} is of another revision`);
  const alive = await rig.host.containers.inspect(name);
  if (spec?.stopped || container.goal === 'MOUNTED') {
    promise(alive === undefined, () => `P1: ${name} should not run, but ${seen}`);
    return;
  }
  if (isGivenUp) return;
  if (behaviour === 'job' && alive === undefined) {
    promise(status?.phase === 'exited', () => `P1: the job ${name} did not end, but ${seen}`);
    return;
  }
  promise(alive?.state === 'RUNNING', () => `P1: ${name} should run, but ${seen}`);
  await checkContent(rig, container);
};

const checkContent = async (rig: Rig, { name, behaviour, version }: ContainerModel): Promise<void> => {
  const root = await rig.host.mounts.at(`/volumes/${name}/root.squashfs`);
  const image = `/storage/objects/${objectId(`hsqs root of ${name} ${version}`)}`;
  promise(root?.sources.includes(image) === true, () => `P2: ${name} runs on ${root?.sources}, expected ${image}`);
  // Somebody may have deleted it; LXC has read it by then.
  const config = (await rig.host.files.read(`/run/pantavisor/lxc/${name}/config`, 1 << 20))?.toString();
  promise(config?.includes(`SIMULATED=${behaviour}`) !== false, () => `P2: ${name} was started with another file`);
};

const checkMounts = async (rig: Rig, model: DeviceModel): Promise<void> => {
  const wanted = model.containers.flatMap(({ name, storage, hasData }) =>
    ['root.squashfs', ...Object.keys(storage), ...(hasData ? ['data.squashfs'] : [])].map(
      (volume) => `/volumes/${name}/${volume}`,
    ),
  );
  const extra = (await rig.host.mounts.below('/volumes')).filter((target) => !wanted.includes(target));
  promise(extra.length === 0, () => `P2: mounted for nobody: ${extra.join(', ')}`);
};

const checkSecondLook = async (bench: Bench): Promise<void> => {
  const { rig } = bench;
  // A job that was started last is still at it when everything rests; its end is no drift.
  await rig.host.advance(JOB_LIMIT_MS);
  await rest(bench, 'when all jobs were done');
  rig.newLog();
  lookAtEverything(rig);
  await rest(bench, 'after a second look');
  // What is written in batches is written by then.
  await rig.host.advance(60_000);
  const deeds = rig.newLog();
  promise(deeds.length === 0, () => `P1: a second look did ${deeds.join(', ')}`);
  promise(rig.host.timers === 0, () => `P5: ${rig.host.timers} timers at rest`);
};

/** Of a good revision on a calm device. */
const checkNextUpdate = async (bench: Bench): Promise<void> => {
  const { course } = bench;
  const before = committedModel(bench);
  const pids = new Map(before.containers.map(({ name }) => [name, bench.rig.pidOf(name)]));
  const { bootId } = bench.rig.host;
  await propose(bench, course.last);
  await rest(bench, 'after the last update');
  const { rig } = bench;
  const { committed, failures } = rig.update();
  const told = failures[course.last.revision]?.detail ?? rig.reasonOf('update/device');
  // A power cut or a fault may have failed the very same content before.
  const hash = sha256(stateOf(course.last.model, lxcFile).state.toText());
  if (Object.values(failures).some((failure) => failure.hash === hash && failure.revision !== course.last.revision))
    return;
  promise(committed.revision === course.last.revision, () => `P1: a good revision failed: ${told}`);
  for (const container of course.last.model.containers) {
    const isSame = before.containers.some((other) => sameContainer(other, container, before, course.last.model));
    const pid = pids.get(container.name);
    if (!isSame || pid === undefined || rig.host.bootId !== bootId) continue;
    promise(rig.pidOf(container.name) === pid, () => `P4: ${container.name} did not change, but was restarted`);
  }
  await checkWhole(rig, course.last.model);
  await checkSecondLook(bench);
};

const sameContainer = (a: ContainerModel, b: ContainerModel, before: DeviceModel, after: DeviceModel): boolean =>
  a.name === b.name &&
  JSON.stringify(a) === JSON.stringify(b) &&
  JSON.stringify([before.disks, before.groups]) === JSON.stringify([after.disks, after.groups]);

const checkNothingLeft = async (rig: Rig): Promise<void> => {
  const left = await rig.shutDown();
  promise(left.length === 0, () => `P4: shutting down left ${left.join(', ')}`);
  const { mounts, disks, containers, files } = rig.host;
  const things = [
    ...(await mounts.below('/volumes')),
    ...(await mounts.below('/run/pantavisor')),
    ...(await disks.swaps()),
    ...(await containers.list()),
    ...(await leftInLedger(files)),
  ];
  promise(things.length === 0, () => `P4: shutting down left ${things.join(', ')}`);
  promise(rig.host.timers === 0, () => `P5: ${rig.host.timers} timers after the end`);
};

const leftInLedger = async (files: Rig['host']['files']): Promise<string[]> => {
  const left: string[] = [];
  for (const kind of ['container', 'disk', 'group', 'volume']) {
    for (const name of (await files.list(`/run/pantavisor/ledger/${kind}`)) ?? []) left.push(`${kind}/${name}`);
  }
  return left;
};
