/**
 * Rehearses: starts the daemon's own composition on a simulated device that is what this one is now, proposes, and
 * lets simulated time run until nothing is left to do. The very reconcilers and controllers decide; only the device
 * is made up, and it refuses nothing and starts everything.
 */
import { statusNameOf } from '../../reconcilers/goals.ts';
import { containersIn, refsIn } from '../../reconcilers/relations.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import { nameOf } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { type Device, startDevice } from '../device/device.ts';
import type { SimulatedHost } from '../host/simulated/simulated.ts';
import { stateHash } from '../store/objects/hash.ts';
import { blankDevice, mirrorPresent, SESSION } from './mirror.ts';
import { type Ending, type Rehearse, type Scene, stepRecorder } from './rehearsal.ts';

/** Enough for every group's time and any commit delay that makes sense; retries without end are cut off. */
const LIMIT_MS = 24 * 3_600_000;
const MAX_STEPS = 20_000;
/** There, back again, and into whatever holds a device up then. */
const MAX_BOOTS = 4;
const SETUP_LIMIT_MS = 3_600_000;
/** The simulated device takes this many operations at one instant for a daemon that runs in circles. */
const OPERATIONS_PER_INSTANT = 2_000;
const PAUSE = { delayMs: 0.001 };

export const rehearse: Rehearse = async (scene) => {
  const blank = blankDevice(scene);
  blank.faults = { before: ({ index }) => (index % OPERATIONS_PER_INSTANT === 0 ? PAUSE : undefined) };
  await driven(blank, mirrorPresent(blank, scene));
  const notes: Notes = { record: stepRecorder(blank.clock.nowMs()), bugs: [], notices: new Set() };
  let stage = await startOn(blank.restarted(), scene, notes);
  const before = atWork(stage.device.loop.latest());
  let proposed = await proposeOn(stage, scene);
  let isFinished = await play(stage, notes);
  for (let boots = 0; stage.host.rebooting && boots < MAX_BOOTS; boots += 1) {
    stage = await reboot(stage, scene, notes);
    proposed ??= await proposeOn(stage, scene);
    isFinished = await play(stage, notes);
  }
  stage.device.stop();
  stage.host.crash();
  if (notes.bugs.length > 0) throw notes.bugs[0];

  const snapshot = stage.device.loop.latest();
  return {
    steps: notes.record.steps,
    ending: endingOf(snapshot, proposed?.revision, isFinished && !stage.host.rebooting),
    before,
    after: atWork(snapshot),
    committed: resourceIn(snapshot, UPDATE).status?.committed.revision ?? '',
    notices: [...notes.notices],
  };
};

/** One boot of the device, with the daemon on it. */
interface Stage {
  readonly host: SimulatedHost;
  readonly device: Device;
}

interface Notes {
  readonly record: ReturnType<typeof stepRecorder>;
  /** Ours; the rehearsal ends with the first. */
  readonly bugs: unknown[];
  readonly notices: Set<string>;
}

const startOn = async (host: SimulatedHost, scene: Scene, { record, bugs, notices }: Notes): Promise<Stage> => {
  const { settings } = scene.present;
  const starting = startDevice({
    host,
    ...settings,
    commitDelaySeconds: () => settings.commitDelaySeconds,
    lxc: () => ({ ...settings.lxc, onNotice: (container, notice) => notices.add(`${container}: ${notice}`) }),
    session: SESSION,
    onEvents: (events) => events.subscribe(record.take),
    onBug: (error) => bugs.push(error),
    onProblem: () => {},
  });
  const device = await driven(host, starting);
  host.ready.subscribe((name) => void device.signalReady(name));
  return { host, device };
};

const reboot = ({ host, device }: Stage, scene: Scene, notes: Notes): Promise<Stage> => {
  const endedAtMs = host.clock.nowMs();
  device.stop();
  const next = host.powerCut();
  notes.record.rebooted(endedAtMs, next.clock.nowMs());
  return startOn(next, scene, notes);
};

/** Until nothing is left to do, or the device boots. False: not within the limits. */
const play = async ({ host, device }: Stage, { record, bugs }: Notes): Promise<boolean> => {
  const isOver = (): boolean =>
    host.crashed || bugs.length > 0 || record.steps.length >= MAX_STEPS || isSettled(device, host);
  return (await host.runUntil(isOver, LIMIT_MS)) && record.steps.length < MAX_STEPS;
};

/** undefined: the device boots just now, and what is proposed waits until it has. */
const proposeOn = async (
  { host, device }: Stage,
  scene: Scene,
): Promise<{ readonly revision: string | undefined } | undefined> => {
  try {
    return { revision: await driven(host, propose(device, scene)) };
  } catch (error) {
    if (error instanceof Unanswered && host.rebooting) return undefined;
    throw error;
  }
};

/** @returns the revision that is to be, if any is proposed. */
const propose = async ({ store, arbiter }: Device, { present, proposal }: Scene): Promise<string | undefined> => {
  const { committed, trial, failures } = present;
  const next = proposal ?? (present.proposal && { ...present.proposal, hash: stateHash(present.proposal.document) });
  if (next === undefined) return trial?.revision;
  const { revision, hash, document } = next;
  const isStored = [committed, trial].some((stored) => stored?.revision === revision);
  // What failed before is known under that name, and is not tried again.
  const isFailure = failures.some((failure) => failure.revision === revision && failure.hash === hash);
  if (!isStored && !isFailure) await store.propose(revision, document);
  arbiter.portFor({ name: 'control socket' }).propose({ revision, hash });
  return revision;
};

/** Containers that run, or are as far up as they are to be. */
const atWork = (snapshot: Snapshot): readonly string[] =>
  containersIn(snapshot)
    .filter(({ ref, spec }) => {
      const name = statusNameOf(ref, snapshot);
      return ['STARTING', 'STARTED', 'READY', 'STOPPING'].includes(name) || name === spec?.statusGoal;
    })
    .map(({ ref }) => nameOf(ref))
    .sort();

const isSettled = ({ loop }: Device, host: SimulatedHost): boolean => {
  const snapshot = loop.latest();
  if (snapshot.revision === undefined || host.inFlight.length > 0) return false;
  if (resourceIn(snapshot, UPDATE).status?.trial !== undefined) return false;
  return refsIn(snapshot).every((ref) => ['converged', 'stalled'].includes(snapshot.plans[ref]?.outcome ?? ''));
};

const endingOf = (snapshot: Snapshot, revision: string | undefined, isFinished: boolean): Ending => {
  const { status } = resourceIn(snapshot, UPDATE);
  const unfinished = Object.entries(snapshot.plans).flatMap(([ref, plan]) =>
    plan.outcome === 'converged' ? [] : [`${ref}: ${plan.reason}`],
  );
  if (!isFinished) return { type: 'unfinished', reasons: unfinished };
  const failure = revision === undefined ? undefined : status?.failures[revision];
  if (failure !== undefined && status?.committed.revision !== revision) {
    return { type: 'given-up', reason: `${failure.message}: ${failure.detail}` };
  }
  return unfinished.length > 0 ? { type: 'stalled', reasons: unfinished } : { type: 'at-rest' };
};

class Unanswered extends Error {
  constructor() {
    super('the simulated device never answered');
  }
}

/** Lets the simulated device do its part while a promise is waited for. */
const driven = async <T>(host: SimulatedHost, promise: Promise<T>): Promise<T> => {
  let isDone = false;
  const watched = promise.finally(() => {
    isDone = true;
  });
  watched.catch(() => {}); // whoever awaits it below has the error
  if (!(await host.runUntil(() => isDone || host.crashed, SETUP_LIMIT_MS)) || !isDone) throw new Unanswered();
  return watched;
};
