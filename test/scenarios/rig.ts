/**
 * A whole device on the simulated host: the same composition as the daemon's, with a time that the test moves.
 *
 * In: states, proposals, faults and mischief. Out: what was done to the device, as sentences, and what it has become.
 */
import { statusNameOf } from '../../reconcilers/goals.ts';
import { refsIn } from '../../reconcilers/relations.ts';
import type { ContainerStatus } from '../../resources/kinds/container.ts';
import { UPDATE, type UpdateStatus } from '../../resources/kinds/update.ts';
import { type Ref, refOf } from '../../resources/ref.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import type { ControlAction } from '../../runtime/api/ports.ts';
import { type Device, startDevice } from '../../runtime/device/device.ts';
import type { StorageSettings } from '../../runtime/device/storage-maintenance.ts';
import type { Event } from '../../runtime/engine/event.ts';
import { DeviceError, type Files } from '../../runtime/host/host.ts';
import { mendedHost } from '../../runtime/host/mending-files.ts';
import type { Behaviour, BehaviourOf } from '../../runtime/host/simulated/behaviour.ts';
import { type SimulatedDisk, simulatedStorage } from '../../runtime/host/simulated/persistent-storage.ts';
import { type SimulatedHost, simulatedHost } from '../../runtime/host/simulated/simulated.ts';
import type { ProposalPort } from '../../runtime/sources/source.ts';
import { type StateBuilder, sha256, TEST_PATHS } from '../state-builder.ts';
import { storeObjects } from './objects.ts';
import { DaemonDied, settled } from './settled.ts';
import { followSignals } from './signals.ts';

export interface RigOptions {
  readonly commitDelaySeconds?: number;
  readonly goalsTimeoutSeconds?: number;
  readonly seed?: number;
  /** Block devices by node. */
  readonly disks?: Readonly<Record<string, SimulatedDisk>>;
  /** Default: none, so that what an update touches can be seen. */
  readonly rebootTransitions?: boolean;
  readonly zram?: boolean;
  readonly swap?: boolean;
  readonly lazy?: boolean;
  /** Content of an object, by its key and id; default: what every container needs to start. */
  readonly objectContent?: (key: string, id: string) => string | undefined;
  /** Default: nothing is verified or collected, so that only what containers need is done. */
  readonly storage?: StorageSettings;
  /** Files as the daemon finds them: damaged in ways that the simulated file system has no word for. */
  readonly damage?: (files: Files) => Files;
  /** What was wrong and worked around. */
  readonly onProblem?: (subject: string, message: string) => void;
  /** Every fact that reaches the loop, of whichever daemon. */
  readonly onEvent?: (event: Event, host: SimulatedHost) => void;
}

export interface Rig {
  readonly host: SimulatedHost;
  readonly device: Device;
  /** Proposes as the watched directory would. */
  readonly proposals: ProposalPort;
  /** Bugs of ours that would have ended the daemon. */
  readonly bugs: readonly unknown[];
  behaviour(container: string, behaviour: Behaviour | BehaviourOf): void;
  /** Stores a revision with its objects and proposes it. */
  propose(state: StateBuilder, revision?: string): Promise<void>;
  /** Proposes, and waits until it is committed or given up. @returns `DONE`, or the failure's status and reason. */
  run(state: StateBuilder, revision?: string): Promise<string>;
  /** What an operator asks for. @returns the answer's status. */
  control(container: string, action: ControlAction): Promise<number>;
  update(): UpdateStatus;
  statusOf(container: string): string;
  /** One run of a container is told from another by its init. */
  pidOf(container: string): number | undefined;
  phaseOf(container: string): ContainerStatus | undefined;
  /** Why a resource is not converged; empty: it is. */
  reasonOf(ref: Ref): string;
  /** Everything that is not as desired, with the reason. */
  unfinished(): string;
  /** Waits for a time of the simulated clock until something holds; throws what is unfinished when it does not. */
  until(holds: () => boolean, limitMs?: number): Promise<void>;
  /** Waits until everything is converged, or stalled with a reason. */
  rest(limitMs?: number): Promise<void>;
  /** What the daemon did since the last call, or of that what matches. */
  newLog(matching?: RegExp): readonly string[];
  /** The daemon is killed and started again. */
  restarted(): Promise<Rig>;
  afterPowerCut(): Promise<Rig>;
  /** Waits until the daemon asks for a reboot, and boots. */
  rebooted(limitMs?: number): Promise<Rig>;
  shutDown(): Promise<readonly string[]>;
}

const LIMIT_MS = 600_000;
/** How long a wrapper waits before it starts a daemon again that could not start. */
const RESTART_MS = 5_000;
/** A device on which every twentieth operation fails needs many; what needs more will never start. */
const MAX_STARTS = 5_000;
const UP_LIMIT_MS = 24 * 3_600_000;
let sessions = 0;

export const deviceFor = ({ seed = 1, disks, zram, swap, lazy }: RigOptions = {}): SimulatedHost =>
  simulatedHost({
    seed,
    lxcPath: TEST_PATHS.lxc,
    bases: ['/storage', '/volumes', '/run/pantavisor'],
    ...(disks === undefined ? {} : { storage: simulatedStorage({ disks }) }),
    ...(zram === undefined ? {} : { zram }),
    ...(swap === undefined ? {} : { swap }),
    ...(lazy === undefined ? {} : { lazy }),
  });

export const aRig = (options: RigOptions = {}): Promise<Rig> => startRig(deviceFor(options), options);

const startOn = (host: SimulatedHost, options: RigOptions, onBug: (error: unknown) => void): Promise<Device> => {
  const { onEvent, storage, onProblem = () => {} } = options;
  sessions += 1;
  return startDevice({
    host: mendedHost({ ...host, files: options.damage?.(host.files) ?? host.files }, TEST_PATHS, onProblem),
    paths: TEST_PATHS,
    goalsTimeoutSeconds: options.goalsTimeoutSeconds ?? 120,
    commitDelaySeconds: () => options.commitDelaySeconds ?? 5,
    rebootTransitions: options.rebootTransitions ?? false,
    verityHandlers: true,
    appengine: true,
    lxc: () => ({
      host: { cgroups: 'unified', firmware: false },
      logLevel: 2,
      consoleBytes: 1 << 20,
      capture: true,
      devLog: false,
      onNotice: () => {},
    }),
    session: `session-${sessions}`,
    onEvents: (events) => {
      if (onEvent !== undefined) events.subscribe((event) => onEvent(event, host));
    },
    onBug,
    onProblem,
    ...(storage === undefined ? {} : { storage: () => storage }),
  });
};

/** A daemon that the device does not let start is started again, as its wrapper or systemd would; one that reboots boots. */
const startUntilUp = async (
  host: SimulatedHost,
  options: RigOptions,
  onBug: (error: unknown) => void,
  left = MAX_STARTS,
): Promise<{ host: SimulatedHost; device: Device }> => {
  try {
    return { host, device: await settled(host, startOn(host, options, onBug)) };
  } catch (error) {
    if (!(error instanceof DeviceError || error instanceof DaemonDied)) throw error;
    if (left === 0) throw new Error(`it did not start within ${MAX_STARTS} tries: ${error.message}`, { cause: error });
    host.crash();
    await host.advance(RESTART_MS);
    return startUntilUp(host.rebooting ? host.powerCut() : host.restarted(), options, onBug, left - 1);
  }
};

export const startRig = async (on: SimulatedHost, options: RigOptions): Promise<Rig> => {
  const bugs: unknown[] = [];
  let logged = 0;
  const { host, device } = await startUntilUp(on, options, (error) => bugs.push(error));
  followSignals({ host, device }, options);
  const { loop, store } = device;
  const plans = (): string[] =>
    Object.entries(loop.latest().plans).flatMap(([ref, plan]) =>
      plan.outcome === 'converged' ? [] : [`${ref} ${plan.outcome}: ${plan.reason}`],
    );

  const rig: Rig = {
    host,
    device,
    proposals: device.arbiter.portFor({ name: 'watched directory' }),
    bugs,
    behaviour: (container, behaviour) => host.behaviour(container, behaviour),
    propose: async (state, revision = 'locals/test') => {
      await storeObjects(host, state, options.objectContent);
      const bytes = state.toBytes();
      await settled(host, store.propose(revision, bytes));
      rig.proposals.propose({ revision, hash: sha256(new TextDecoder().decode(bytes)) }, 'somebody');
    },
    run: async (state, revision = 'locals/test') => {
      await rig.propose(state, revision);
      await rig.until(() => isSettled(rig.update(), revision));
      const { committed, failures } = rig.update();
      if (committed.revision === revision) return 'DONE';
      const failure = failures[revision];
      return `${failure?.status} ${failure?.message}: ${failure?.detail}`;
    },
    control: async (container, action) => (await settled(host, device.control(container, action))).status,
    update: () => {
      const { status } = resourceIn(loop.latest(), UPDATE);
      if (status === undefined) throw new Error('no update status yet');
      return status;
    },
    statusOf: (container) => statusNameOf(refOf('container', container), loop.latest()),
    phaseOf: (container) => resourceIn(loop.latest(), refOf('container', container)).status,
    pidOf: (container) => {
      const status = rig.phaseOf(container);
      return status?.phase === 'running' ? status.run.initPid : undefined;
    },
    reasonOf: (ref) => {
      const plan = loop.latest().plans[ref];
      return plan === undefined || plan.outcome === 'converged' ? '' : plan.reason;
    },
    unfinished: () => plans().join('\n'),
    until: async (holds, limitMs = LIMIT_MS) => {
      const reached = await host.runUntil(() => bugs.length > 0 || host.crashed || holds(), limitMs);
      if (bugs.length > 0) throw bugs[0];
      if (host.crashed) throw new DaemonDied();
      if (!reached) throw new Error(`not reached in ${limitMs} ms; unfinished:\n${rig.unfinished()}`);
    },
    rest: (limitMs) => rig.until(() => isAtRest(rig), limitMs),
    newLog: (matching = /./) => {
      const fresh = host.log.slice(logged).filter((sentence) => isDeed(sentence) && matching.test(sentence));
      logged = host.log.length;
      return fresh;
    },
    restarted: () => {
      host.crash();
      device.stop();
      return startRig(host.restarted(), options);
    },
    afterPowerCut: () => {
      const next = host.powerCut();
      device.stop();
      return startRig(next, options);
    },
    rebooted: async (limitMs = LIMIT_MS) => {
      const asked = await host.runUntil(() => bugs.length > 0 || host.crashed, limitMs);
      if (bugs.length > 0) throw bugs[0];
      if (!asked || !host.rebooting) throw new Error(`no reboot in ${limitMs} ms; unfinished:\n${rig.unfinished()}`);
      return rig.afterPowerCut();
    },
    shutDown: async () => settled(host, device.shutDown(120_000)),
  };
  try {
    await rig.until(() => loop.latest().revision !== undefined, UP_LIMIT_MS);
    return rig;
  } catch (error) {
    if (!(error instanceof DaemonDied)) throw error;
    return startRig(host.rebooting ? host.powerCut() : host.restarted(), options);
  }
};

const isAtRest = ({ device }: Rig): boolean => {
  const snapshot = device.loop.latest();
  const isResting = (ref: Ref): boolean => ['converged', 'stalled'].includes(snapshot.plans[ref]?.outcome ?? '');
  const isActing = Object.values(snapshot.lastActions).some(({ finishedAtMs }) => finishedAtMs === undefined);
  return !isActing && refsIn(snapshot).every(isResting);
};

const isSettled = ({ committed, trial, failures }: UpdateStatus, revision: string): boolean =>
  trial === undefined && (committed.revision === revision || failures[revision] !== undefined);

/** What happened to the device: files, ledger and store are ours. */
const isDeed = (sentence: string): boolean =>
  /^(mount|bind|unmount|start|halt|kill|unfreeze|format|allocate|swap|create \/dev|free)/.test(sentence);
