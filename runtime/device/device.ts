/**
 * The composition of one device, on any host: store, ledger, controllers and loop, wired to each other.
 *
 * In: a host, its directories and times, proposals and operator intents. Out: snapshots and events. The daemon adds
 * sockets, signals and logs around it; scenarios run it on the simulated host.
 */
import type { Observable, Subscription } from 'rxjs';
import type { Intent } from '../../reconcilers/desired/desired.ts';
import { changeOf, doneText } from '../../reconcilers/kinds.ts';
import { UPDATE, type UpdateSpec, type UpdateStatus } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import type { Ref } from '../../resources/ref.ts';
import type { Event } from '../engine/event.ts';
import { type Ledger, openLedger } from '../engine/ledger.ts';
import { type Loop, startLoop } from '../engine/loop.ts';
import { type History, openHistory } from '../history/history.ts';
import type { Host } from '../host/host.ts';
import { type StartingFiles, startingFiles } from '../host/starting-files.ts';
import type { BootBackEnd } from '../store/boot/boot-back-end.ts';
import type { Bootloader } from '../store/boot/bootloader.ts';
import type { Store } from '../store/store.ts';
import { HERE, type StateReader } from '../threads/state-reader.ts';
import type { TrustSettings } from '../trust/trust-settings.ts';
import { type Arbiter, openArbiter } from './arbiter.ts';
import { type BootEnvironment, bootDevice, endBoot, settle } from './boot.ts';
import { openControllers } from './controllers.ts';
import { type DesiredState, openDesiredState } from './desired-state.ts';
import { lastWords } from './flush-history.ts';
import { intentsIn } from './intent.ts';
import type { LxcSettings } from './lxc-preparation.ts';
import { isNews } from './new-proposal.ts';
import { observeEverything, plannable, updatesIn, watching } from './observation.ts';
import type { Oem } from './oem.ts';
import { openRequests, type Requests } from './requests.ts';
import { openRevisions, type Revisions } from './revisions.ts';
import { damagedDocuments } from './stand-in.ts';
import { type Keeper, openKeeper, type StorageSettings } from './storage-maintenance.ts';
import { leftOver, settled } from './teardown.ts';
import { onceOpened } from './wait-for-opening.ts';

export interface DeviceOptions {
  readonly host: Host;
  readonly paths: Paths;
  readonly goalsTimeoutSeconds: number;
  /** Asked whenever it counts. */
  readonly commitDelaySeconds: () => number;
  /** Whether changes that Pantavisor reboots for go through a reboot here. */
  readonly rebootTransitions: boolean;
  readonly verityHandlers: boolean;
  /** undefined: states need not be signed. */
  readonly trust?: TrustSettings | undefined;
  /** The BSP is not managed here; see CompileContext. */
  readonly appengine: boolean;
  /** Asked at every start of a container. */
  readonly lxc: () => LxcSettings;
  /** Where the boot variables are; default: `uboot`. */
  readonly bootloader?: BootBackEnd | Bootloader;
  /** The boot loader of a device that it really boots; default: the daemon plays its part. */
  readonly loader?: BootEnvironment;
  /** Of state documents; default: here and now. */
  readonly reader?: StateReader;
  /** undefined: revisions bring no configuration. */
  readonly oem?: Oem;
  /** undefined: nothing on the storage is verified or collected. */
  readonly storage?: () => StorageSettings;
  /** Differs for every start of the daemon. */
  readonly session: string;
  /** Called once, before anything happens. */
  readonly onEvents: (events: Observable<Event>) => void;
  /** Nothing is brought up before, for a second at most; default: at once. */
  readonly opened?: Promise<void>;
  readonly onBug: (error: unknown) => void;
  readonly onProblem: (subject: string, message: string) => void;
}

export interface Device extends Requests {
  readonly loop: Loop;
  readonly store: Store;
  readonly revisions: Revisions;
  readonly history: History;
  /** What operators want of containers, by name. */
  intents(): readonly (readonly [container: string, intent: Intent])[];
  /** Sources propose through it. */
  readonly arbiter: Arbiter;
  /** Removes what nobody needs from the storage. @returns bytes. @throws DeviceError */
  collectGarbage(): Promise<number>;
  /** Ends planning and acting; what runs goes on running. */
  stop(): void;
  /** Stops every container and takes off everything; resolves when nothing is left, or with what is after `limitMs`. */
  shutDown(limitMs: number, why?: string): Promise<readonly Ref[]>;
}

export const startDevice = async (options: DeviceOptions): Promise<Device> => {
  const starting = startingFiles(options.host.files, options.host.clock);
  let arbiter: Arbiter | undefined;
  const proposed = (): UpdateSpec | undefined => arbiter?.standing()?.spec;
  const keeper = await openStorage(options, starting, proposed);
  const { host, store, soundness } = keeper;
  const ledger = await openLedger(host.files, `${options.paths.run}/ledger`, host.bootId, options.onProblem);
  const revisions = openRevisions(store, options, {
    reader: options.reader ?? HERE,
    oem: options.oem,
    onWarning: options.onProblem,
  });
  const boot = { ...options, clock: host.clock, ledger, store };
  await settle(boot);
  await bootDevice(boot);

  const core = await openCore(options, keeper, { ledger, revisions });
  const { loop, history } = core;
  const intents = await intentsIn(ledger);
  const desired = openDesiredState({
    loop,
    gates: { observed: false, verified: soundness === undefined, serving: options.opened === undefined },
    proposal: proposed,
    intents: () => Object.fromEntries(intents),
    compiled: revisions.loaded,
    faultOf: (revision) => soundness?.faultOf(revision),
    damagedIn: (revision) => soundness?.damagedIn(revision) ?? {},
    onRevision: (revision) => {
      options.oem?.use(revisions.oemOf(revision));
      starting.started();
    },
  });
  arbiter = openArbiter({
    clock: host.clock,
    latest: loop.latest,
    snapshots: loop.snapshots,
    onStanding: ({ spec, from }, before) => {
      if (isNews(spec, before?.spec, loop.latest())) history.proposed(spec, from);
      desired.refresh();
    },
    onBug: options.onBug,
  });
  const begun = await begin(options, keeper, { ...core, revisions, desired });
  const stop = (): void => {
    keeper.stop();
    arbiter?.stop();
    begun.stop();
    loop.stop();
  };
  return {
    ...openRequests({
      clock: host.clock,
      loop,
      ledger,
      history,
      intents,
      signalReady: core.signalReady,
      onIntent: desired.refresh,
    }),
    ...{ loop, store, revisions, history, arbiter, stop },
    intents: () => [...intents],
    collectGarbage: async () => (await keeper.collecting?.collect()) ?? 0,
    shutDown: async (limitMs, why = 'it was asked to') => {
      history.stopping(why);
      desired.shutDown();
      await settled(loop, host.clock, limitMs);
      stop();
      await lastWords(history, host.clock, options.onProblem);
      const left = [...leftOver(loop.latest()), ...begun.unseen];
      if (left.length === 0) await endBoot(ledger);
      return left;
    },
  };
};

const openStorage = (
  { host, paths, storage, bootloader, reader = HERE, onProblem, onBug }: DeviceOptions,
  { files }: StartingFiles,
  proposed: () => UpdateSpec | undefined,
): Promise<Keeper> =>
  openKeeper({
    host: { ...host, files },
    ...{ paths, settings: storage, reader, onProblem, onBug },
    ...(bootloader === undefined ? {} : { bootloader }),
    wanted: () => [proposed()?.revision].filter((revision) => revision !== undefined),
  });

interface Core extends Pick<ReturnType<typeof openControllers>, 'controllers' | 'signalReady'> {
  readonly loop: Loop;
  readonly history: History;
}

/** The loop with its controllers, and the history that follows it. Nothing is planned before it is told to. */
const openCore = async (
  options: DeviceOptions,
  { host, store, soundness }: Keeper,
  { ledger, revisions }: { readonly ledger: Ledger; readonly revisions: Revisions },
): Promise<Core> => {
  const { paths, lxc, session, commitDelaySeconds, rebootTransitions, loader, onBug, onProblem } = options;
  const history = await openHistory({
    ...host,
    directory: `${paths.storage}/cache/history`,
    ...{ changeOf, doneText, onProblem },
  });
  const reboot = async (reason: string): Promise<void> => {
    history.rebooting(reason);
    await lastWords(history, host.clock, onProblem);
    await host.reboot();
  };
  const { controllers, signalReady } = openControllers({
    ...{ host, paths, ledger, lxc },
    update: {
      ...{ store, session, commitDelaySeconds, rebootTransitions, reboot },
      load: revisions.load,
      ...damagedDocuments({ store, revisions, soundness, onProblem }),
      ...(loader === undefined ? {} : { makeBootable: loader.makeBootable }),
      ...(soundness === undefined ? {} : { soundness }),
    },
  });
  const loop = startLoop({ controllers, clock: host.clock, refsIn: plannable, onBug });
  options.onEvents(loop.events);
  return { loop, history, controllers, signalReady };
};

interface Begun {
  /** What could not be looked at yet. */
  readonly unseen: ReadonlySet<Ref>;
  stop(): void;
}

/** Follows the device: everything is looked at once, then whatever changes; the gates of the desired state open. */
const begin = async (
  { opened, onBug, onProblem }: DeviceOptions,
  { host, store, soundness, collecting }: Keeper,
  core: Core & { readonly revisions: Revisions; readonly desired: DesiredState },
): Promise<Begun> => {
  const { loop, history, controllers, revisions, desired } = core;
  const { clock } = host;
  const unseen = new Set<Ref>();
  const subscriptions: Subscription[] = [
    history.follow(loop.reductions),
    watching(controllers).subscribe({ next: loop.look, error: onBug }),
  ];
  const onSeen = (): void => desired.open('observed');
  subscriptions.push(await observeEverything({ controllers, loop, clock, unseen, onSeen, onProblem }));
  const onUpdate = ({ committed }: UpdateStatus): void => {
    collecting?.committed(committed.revision);
    desired.refresh();
  };
  subscriptions.push(updatesIn(loop.snapshots).subscribe({ next: onUpdate, error: onBug }));
  const onVerified = (): void => {
    desired.open('verified');
    loop.look(UPDATE);
  };
  soundness?.watchOver(await store.bootVariables(), revisions.load, onVerified);
  if (opened !== undefined) onceOpened(opened, clock, () => desired.open('serving'));
  return {
    unseen,
    stop: () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
};
