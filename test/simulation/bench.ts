/**
 * Runs a course on a simulated device, as the world would: a daemon that died is started again, the newest proposal
 * lies in the watched directory and is found again, a client that is refused tries again.
 *
 * Out: the device after the course, calm again. It judges nothing; verdict.ts does.
 */
import { refsIn } from '../../reconcilers/relations.ts';
import type { StorageSettings } from '../../runtime/device/storage-maintenance.ts';
import { DeviceError } from '../../runtime/host/host.ts';
import type { Delivery, Fault, Faults, Operation } from '../../runtime/host/simulated/operation.ts';
import { seededFaults } from '../../runtime/host/simulated/seeded-faults.ts';
import { Rejection } from '../../runtime/store/rejection.ts';
import { lxcFile } from '../scenarios/objects.ts';
import { aRig, type Rig, type RigOptions } from '../scenarios/rig.ts';
import { DaemonDied } from '../scenarios/settled.ts';
import { sha256 } from '../state-builder.ts';
import { type Course, courseOf, type Step } from './course.ts';
import { doMischief, makeAmends } from './fault-injection.ts';
import { behaviourIn, type DeviceModel, NAMES, stateOf } from './model.ts';

export interface Proposal {
  readonly revision: string;
  readonly model: DeviceModel;
}

export interface Bench {
  readonly course: Course;
  rig: Rig;
  /** By revision, everything that was stored and proposed. */
  readonly proposed: Map<string, DeviceModel>;
  newest: Proposal | undefined;
  readonly contents: Map<string, string>;
  /** Volumes that somebody mounted over, each as often as he did. */
  readonly covered: string[];
  /** Says what happens, for people. */
  readonly tell: (line: string) => void;
  readonly onFault: (point: string) => void;
}

export interface BenchOptions {
  /** Every fault that an operation or notification really met: `files.write ENOSPC before`. */
  readonly onFault?: (point: string) => void;
  readonly tell?: (line: string) => void;
  readonly onEvent?: NonNullable<RigOptions['onEvent']>;
}

const KEEPING: StorageSettings = {
  checksum: true,
  reservedPercent: 5,
  keepFactory: false,
  pendingSeconds: 600,
  thresholdPercent: 0,
  defertimeSeconds: 600,
};

export const benchFor = async (
  seed: number,
  { tell = () => {}, onFault = () => {}, onEvent }: BenchOptions = {},
): Promise<Bench> => {
  const course = courseOf(seed);
  const contents = new Map<string, string>();
  const rig = await aRig({
    seed,
    lazy: course.lazy,
    rebootTransitions: course.reboots,
    ...(course.keeps ? { storage: KEEPING } : {}),
    disks: { '/dev/sda': {} },
    objectContent: (_, id) => contents.get(id),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  for (const name of NAMES) rig.behaviour(name, (_, __, config) => behaviourIn(config));
  return { course, rig, proposed: new Map(), newest: undefined, contents, covered: [], tell, onFault };
};

export const runCourse = async (bench: Bench): Promise<void> => {
  for (const step of bench.course.steps) {
    bench.tell(`${bench.rig.host.clock.nowMs()} ms: ${sentenceOf(step)}`);
    await surviving(bench, () => perform(bench, step));
  }
};

/** What was slow or hung has been given up by then, and what was told late has been told. */
const CALM_MS = 120_000;
const REBOOT_MS = 10_000;
const ADVICE = /^something else is mounted on (\S+): unmount it/;

/** No faults any more, and nobody in the way. What notifications that were lost would have told is looked for. */
export const calmDown = async (bench: Bench): Promise<void> => {
  bench.rig.host.faults = {};
  // A reboot that is under way takes place.
  await surviving(bench, () => bench.rig.host.advance(REBOOT_MS));
  await surviving(bench, () => makeAmends(bench.rig.host, bench.covered));
  bench.tell(`${bench.rig.host.clock.nowMs()} ms: all is calm`);
  await surviving(bench, () => bench.rig.host.advance(CALM_MS));
  followAdvice(bench);
  if (bench.course.seed % 2 === 0 || isStuck(bench.rig)) bench.rig = await bench.rig.restarted();
  else await surviving(bench, async () => lookAtEverything(bench.rig));
  repropose(bench);
};

/** A mount that was given up for a definition of before may have come about all the same: it is not what is declared now. */
const followAdvice = ({ rig, tell }: Bench): void => {
  for (const plan of Object.values(rig.device.loop.latest().plans)) {
    const [, target] = (plan.outcome === 'stalled' && ADVICE.exec(plan.reason)) || [];
    if (target === undefined) continue;
    tell(`   somebody unmounts ${target}, as he is told to`);
    rig.host.mischief.unmount(target);
  }
};

/** The store does one thing after the other: what hangs for ever on the storage is cured by another daemon only. */
const isStuck = ({ host }: Rig): boolean => host.inFlight.some(({ subject }) => subject.startsWith('/storage/'));

export const lookAtEverything = ({ device }: Rig): void => {
  for (const ref of refsIn(device.loop.latest())) device.loop.look(ref);
};

/** A daemon that dies meanwhile is started again, and finds the newest proposal where it was left. */
const surviving = async (bench: Bench, work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
    if (bench.rig.host.crashed) throw new DaemonDied();
  } catch (error) {
    // Whoever was about to do something to it finds nobody.
    if (!(error instanceof DaemonDied || bench.rig.host.crashed)) throw error;
    await startAgain(bench);
  }
};

/** After a crash, or as the device was told to boot. */
const startAgain = async (bench: Bench): Promise<void> => {
  const { rebooting } = bench.rig.host;
  bench.tell(rebooting ? '   the device boots' : '   the daemon died and is started again');
  bench.rig = rebooting ? await bench.rig.afterPowerCut() : await bench.rig.restarted();
  repropose(bench);
};

/** Until nothing is left to do, over as many boots as that takes. */
export const restOf = async (bench: Bench, limitMs: number): Promise<void> => {
  for (let boots = 0; boots < MAX_BOOTS; boots += 1) {
    try {
      return await bench.rig.rest(limitMs);
    } catch (error) {
      if (!(error instanceof DaemonDied)) throw error;
      await startAgain(bench);
    }
  }
  throw new Error(`it booted ${MAX_BOOTS} times and goes on`);
};

const perform = async (bench: Bench, step: Step): Promise<void> => {
  const { rig } = bench;
  switch (step.type) {
    case 'wait':
      await rig.host.advance(step.ms);
      if (rig.bugs.length > 0) throw rig.bugs[0];
      return;
    case 'propose':
      return propose(bench, step);
    case 'control':
      return control(rig, step);
    case 'mischief':
      return doMischief(rig.host, step, bench.covered);
    case 'faults':
      rig.host.faults =
        step.rates === undefined ? {} : told(telling(sparing(seededFaults(step.seed, step.rates))), bench.onFault);
      return;
    case 'crash':
      bench.rig = await rig.restarted();
      return repropose(bench);
    case 'powerCut':
      bench.rig = await rig.afterPowerCut();
      return repropose(bench);
    default:
      return step satisfies never;
  }
};

/** A client that signals READY hears whether it was heard. */
const telling = (faults: Faults): Faults => ({
  ...faults,
  notification: (operation) => (operation.name === 'ready' ? undefined : faults.notification?.(operation)),
});

/** A start is some hundred operations: where one in fifty of them is deadly, no daemon would ever come up again. */
const MAX_DEATHS = 20;

/** Even the worst time ends: faults that killed so many daemons are over. */
const sparing = ({ before, after, notification }: Faults): Faults => {
  let deaths = 0;
  const spared =
    <T extends Fault | Delivery>(decide: ((operation: Operation) => T | undefined) | undefined) =>
    (operation: Operation): T | undefined => {
      if (deaths === MAX_DEATHS) return undefined;
      const fault = decide?.(operation);
      if (fault === 'crash' || fault === 'tear') deaths += 1;
      return fault;
    };
  return { before: spared(before), after: spared(after), notification: spared(notification) };
};

const nameOf = (fault: Fault | Delivery): string => {
  if (fault instanceof DeviceError) return fault.code;
  return typeof fault === 'string' ? fault : 'late';
};

const told = (faults: Faults, onFault: Bench['onFault']): Faults => {
  const tellingOf =
    <T extends Fault | Delivery>(decide: ((operation: Operation) => T | undefined) | undefined, when: string) =>
    (operation: Operation): T | undefined => {
      const fault = decide?.(operation);
      if (fault !== undefined) onFault(`${operation.port}.${operation.name} ${nameOf(fault)}${when}`);
      return fault;
    };
  return {
    before: tellingOf(faults.before, ' before'),
    after: tellingOf(faults.after, ' after'),
    notification: tellingOf(faults.notification, ''),
  };
};

const MAX_TRIES = 20;
const MAX_BOOTS = 10;

export const propose = async (bench: Bench, { revision, model }: Proposal): Promise<void> => {
  const { state, contents } = stateOf(model, lxcFile);
  for (const [id, content] of contents) bench.contents.set(id, content);
  for (let tries = 1; ; tries += 1) {
    try {
      await bench.rig.propose(state, revision);
      bench.proposed.set(revision, model);
      bench.newest = { revision, model };
      return;
    } catch (error) {
      if (error instanceof DaemonDied) {
        // Half of it may be stored; the client sends it again.
        await startAgain(bench);
      } else if (!(error instanceof DeviceError) && !(error instanceof Rejection)) throw error;
      if (tries === MAX_TRIES) return bench.tell(`   given up: ${error}`);
      await bench.rig.host.advance(1_000);
    }
  }
};

const repropose = ({ rig, newest, proposed }: Bench): void => {
  if (newest === undefined || !proposed.has(newest.revision)) return;
  rig.proposals.propose({ revision: newest.revision, hash: sha256(stateOf(newest.model, lxcFile).state.toText()) });
};

const control = async (rig: Rig, { container, action }: Extract<Step, { type: 'control' }>): Promise<void> => {
  try {
    await rig.control(container, action);
  } catch (error) {
    // The operator reads it, and that is that.
    if (!(error instanceof DeviceError)) throw error;
  }
};

const sentenceOf = (step: Step): string => {
  switch (step.type) {
    case 'propose':
      return `propose ${step.revision}: ${step.model.containers
        .map(({ name, goal, behaviour, defect }) => `${name} ${goal} ${defect ?? behaviour}`)
        .join(', ')}`;
    case 'mischief':
      return `${step.deed} ${step.container}/${step.volume}`;
    case 'control':
      return `operator: ${step.action} ${step.container}`;
    default:
      return JSON.stringify(step);
  }
};
