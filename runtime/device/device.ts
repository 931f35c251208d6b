/**
 * The composition of one device, on any host: store, ledger, controllers and loop, wired to each other.
 *
 * In: a host, its directories and times, proposals and operator intents. Out: snapshots and events. The daemon adds
 * sockets, signals and logs around it; scenarios run it on the simulated host.
 */
import type { Observable, Subscription } from 'rxjs';
import { containerController } from '../../controllers/container.ts';
import { diskController } from '../../controllers/disk.ts';
import { groupController } from '../../controllers/group.ts';
import { updateController } from '../../controllers/update.ts';
import { volumeController } from '../../controllers/volume.ts';
import type { Intent } from '../../reconcilers/desired/desired.ts';
import { statusNameOf } from '../../reconcilers/goals.ts';
import { reconcilers } from '../../reconcilers/index.ts';
import { changeOf, doneText } from '../../reconcilers/kinds.ts';
import { UPDATE, type UpdateSpec, type UpdateStatus } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import { type Ref, refOf } from '../../resources/ref.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import type { ControlAction, ControlAnswer } from '../api/ports.ts';
import type { Controllers } from '../engine/controller.ts';
import type { Event } from '../engine/event.ts';
import { openLedger } from '../engine/ledger.ts';
import { type Loop, startLoop } from '../engine/loop.ts';
import { type History, openHistory } from '../history/history.ts';
import type { Host } from '../host/host.ts';
import { startingFiles } from '../host/starting-files.ts';
import type { BootBackEnd } from '../store/boot/boot-back-end.ts';
import type { Store } from '../store/store.ts';
import { HERE, type StateReader } from '../threads/state-reader.ts';
import { type Arbiter, openArbiter } from './arbiter.ts';
import { askForReboot, bootDevice, endBoot, settle } from './boot.ts';
import { openDesiredState } from './desired-state.ts';
import { lastWords } from './flush-history.ts';
import { intentAfter, intentsIn } from './intent.ts';
import { type LxcSettings, lxcPreparation } from './lxc-preparation.ts';
import { isNews } from './new-proposal.ts';
import { observeEverything, plannable, updatesIn, watching } from './observation.ts';
import type { Oem } from './oem.ts';
import { openRevisions, type Revisions } from './revisions.ts';
import { openKeeper, type StorageSettings } from './storage-maintenance.ts';
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
  /** The BSP is not managed here; see CompileContext. */
  readonly appengine: boolean;
  /** Asked at every start of a container. */
  readonly lxc: () => LxcSettings;
  /** Where the boot variables are; default: `uboot`. */
  readonly bootloader?: BootBackEnd;
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

export interface Device {
  readonly loop: Loop;
  readonly store: Store;
  readonly revisions: Revisions;
  readonly history: History;
  /** What operators want of containers, by name. */
  intents(): readonly (readonly [container: string, intent: Intent])[];
  /** Sources propose through it. */
  readonly arbiter: Arbiter;
  /** Records what an operator wants of a container; resolves when recorded, not when done. */
  control(container: string, action: ControlAction): Promise<ControlAnswer>;
  /** False: it did not expect a signal. */
  signalReady(container: string): Promise<boolean>;
  /** Takes everything down and boots; resolves when that is on record. @throws DeviceError */
  reboot(reason: string): Promise<void>;
  /** Removes what nobody needs from the storage. @returns bytes. @throws DeviceError */
  collectGarbage(): Promise<number>;
  /** Ends planning and acting; what runs goes on running. */
  stop(): void;
  /** Stops every container and takes off everything; resolves when nothing is left, or with what is after `limitMs`. */
  shutDown(limitMs: number, why?: string): Promise<readonly Ref[]>;
}

export const startDevice = async (options: DeviceOptions): Promise<Device> => {
  const { paths, reader = HERE } = options;
  const starting = startingFiles(options.host.files, options.host.clock);
  let arbiter: Arbiter | undefined;
  const proposed = (): UpdateSpec | undefined => arbiter?.standing()?.spec;
  const keeper = await openKeeper({
    host: { ...options.host, files: starting.files },
    paths,
    settings: options.storage,
    reader,
    ...(options.bootloader === undefined ? {} : { bootloader: options.bootloader }),
    wanted: () => [proposed()?.revision].filter((revision) => revision !== undefined),
    onProblem: options.onProblem,
    onBug: options.onBug,
  });
  const { host, store, soundness, collecting } = keeper;
  const ledger = await openLedger(host.files, `${paths.run}/ledger`, host.bootId);
  const revisions = openRevisions(store, options, { reader, oem: options.oem });
  const boot = { ...options, clock: host.clock, ledger, store };
  await settle(boot);
  await bootDevice(boot);

  const container = containerController({
    host,
    ledger,
    reconcile: reconcilers.container,
    ...lxcPreparation(host, paths, options.lxc),
  });
  const controllers: Controllers = {
    container,
    disk: diskController(host, ledger, reconcilers.disk),
    group: groupController(host, ledger, reconcilers.group),
    volume: volumeController(host, paths.volumes, reconcilers.volume),
    update: updateController({
      clock: host.clock,
      reboot: async (reason) => {
        history.rebooting(reason);
        await lastWords(history, host.clock, options.onProblem);
        await host.reboot();
      },
      ledger,
      store,
      reconcile: reconcilers.update,
      load: revisions.load,
      commitDelaySeconds: options.commitDelaySeconds,
      rebootTransitions: options.rebootTransitions,
      session: options.session,
      ...(soundness === undefined ? {} : { soundness }),
    }),
  };
  const loop = startLoop({ controllers, clock: host.clock, refsIn: plannable, onBug: options.onBug });
  options.onEvents(loop.events);
  const history = await openHistory({
    ...host,
    directory: `${paths.storage}/cache/history`,
    changeOf,
    doneText,
    onProblem: options.onProblem,
  });

  const unseen = new Set<Ref>();
  const intents = await intentsIn(ledger);
  const desired = openDesiredState({
    loop,
    gates: { observed: false, verified: soundness === undefined, serving: options.opened === undefined },
    proposal: proposed,
    intents: () => Object.fromEntries(intents),
    compiled: revisions.loaded,
    faultOf: (revision) => soundness?.faultOf(revision),
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
  const subscriptions: Subscription[] = [
    history.follow(loop.reductions),
    watching(controllers).subscribe({ next: loop.look, error: options.onBug }),
  ];
  const { onProblem } = options;
  const onSeen = (): void => desired.open('observed');
  subscriptions.push(await observeEverything({ controllers, loop, clock: host.clock, unseen, onSeen, onProblem }));
  const onUpdate = ({ committed }: UpdateStatus): void => {
    collecting?.committed(committed.revision);
    desired.refresh();
  };
  subscriptions.push(updatesIn(loop.snapshots).subscribe({ next: onUpdate, error: options.onBug }));

  const checked = (): void => {
    desired.open('verified');
    loop.look(UPDATE);
  };
  soundness?.watchOver(await store.bootVariables(), revisions.load, checked);

  if (options.opened !== undefined) onceOpened(options.opened, host.clock, () => desired.open('serving'));
  const stop = (): void => {
    keeper.stop();
    arbiter?.stop();
    for (const subscription of subscriptions) subscription.unsubscribe();
    loop.stop();
  };
  return {
    loop,
    store,
    revisions,
    intents: () => [...intents],
    history,
    stop,
    arbiter,
    reboot: async (reason) => {
      history.asked(UPDATE, 'reboot', 'the operator');
      await askForReboot(ledger, reason);
      loop.look(UPDATE);
    },
    collectGarbage: async () => (await collecting?.collect()) ?? 0,
    signalReady: async (name) => {
      const { spec } = resourceIn(loop.latest(), refOf('container', name));
      // Before the revision is read nobody knows what is expected, and whoever is ready says so once.
      if (loop.latest().revision !== undefined && spec?.statusGoal !== 'READY') return false;
      return container.signalReady(name);
    },
    control: async (name, action) => {
      const status = statusNameOf(refOf('container', name), loop.latest());
      const { answer, intent } = intentAfter(action, status, intents.get(name));
      if (intent === undefined) return answer;
      await ledger.put<Intent>('intent', name, intent);
      intents.set(name, intent);
      history.asked(refOf('container', name), action, 'the operator');
      desired.refresh();
      return answer;
    },
    shutDown: async (limitMs, why = 'it was asked to') => {
      history.stopping(why);
      desired.shutDown();
      await settled(loop, host.clock, limitMs);
      stop();
      await lastWords(history, host.clock, options.onProblem);
      const left = [...leftOver(loop.latest()), ...unseen];
      if (left.length === 0) await endBoot(ledger);
      return left;
    },
  };
};
