/**
 * The update machine on a simulated storage: controller, reconciler, store, ledger and boot script, without containers.
 *
 * In: what is on the storage, what is proposed, and whether what runs reaches its goals. Out: what the daemon does next,
 * and what is on the storage after each of its writes. The run directory lies on the storage here too, so that one value
 * is everything; a power cut empties it.
 */
import { updateController } from '../../controllers/update.ts';
import { effectiveRevision } from '../../reconcilers/desired/effective-revision.ts';
import { reconcileUpdate } from '../../reconcilers/update.ts';
import type { Action } from '../../resources/action.ts';
import { UPDATE, type UpdateSpec, type UpdateStatus } from '../../resources/kinds/update.ts';
import type { Paths } from '../../resources/paths.ts';
import type { Plan } from '../../resources/plan.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { bootDevice, settle } from '../../runtime/device/boot.ts';
import { openRevisions } from '../../runtime/device/revisions.ts';
import { unreadableFinder } from '../../runtime/device/unreadable.ts';
import { openLedger } from '../../runtime/engine/ledger.ts';
import { DeviceError, type Files, type Host } from '../../runtime/host/host.ts';
import type { Operation } from '../../runtime/host/simulated/operation.ts';
import { simulatedStorage } from '../../runtime/host/simulated/persistent-storage.ts';
import { type SimulatedHost, simulatedHost } from '../../runtime/host/simulated/simulated.ts';
import { openStore } from '../../runtime/store/store.ts';
import { type TrailContent, trailContentOf } from '../../runtime/store/trails/trail.ts';
import { containerSpec, groupSpec, installed, opened, running, snapshotOf } from '../reconcilers/given.ts';
import { aState, parsed, type StateBuilder, sha256, TEST_PATHS } from '../state-builder.ts';
import { type Entry, plant, type Tree, treeOf, withoutBelow } from './tree.ts';

const PATHS: Paths = { ...TEST_PATHS, run: '/storage/run', lxc: '/storage/run/lxc' };
export const RUN = 'run/';

const group = (timeout: number): StateBuilder =>
  aState().group({ name: 'apps', timeout }).container('web', { group: 'apps' });

/** two differs by a container, three by what belongs to none. */
export const STATES: Readonly<Record<string, StateBuilder>> = {
  'locals/one': group(30),
  'locals/two': group(30).object('web/extra'),
  'locals/three': group(40),
};

export const hashOf = (revision: string): string => sha256(STATES[revision]?.toText() ?? '');
export const specOf = (revision: string): UpdateSpec => ({ revision, hash: hashOf(revision) });

/** Whether what runs reaches its goals, the lifeline too, and what the device refused. */
export const WORLDS = ['good', 'bad', 'refusing'] as const;
export type World = (typeof WORLDS)[number];

/** `at`: how many writes happen before it; `any`: how many calls of any kind. */
export interface Cut {
  readonly at: number;
  readonly code: string;
  readonly any?: boolean;
}

export interface Run {
  /** What is on the storage after each write, the first one before any. */
  readonly trees: readonly Tree[];
  readonly end: 'done' | 'refused' | 'rebooted';
  /** Calls of files, reads too. */
  readonly calls: number;
  /** What was cut was a write: reads are tried again. */
  readonly isWriteCut: boolean;
}

/** The one who lives wrote `live`; see dead(). */
const SESSION = 'live';

/** More steps than this without coming to rest is going round. */
const PATIENCE = 40;

const WRITES = ['write', 'writeStream', 'append', 'rename', 'link', 'symlink', 'remove', 'makeDirectory'];
const isWrite = ({ port, name }: Operation): boolean => port === 'files' && WRITES.includes(name);

const machineOn = async (bare: SimulatedHost, wrap: Wrap) => {
  const host: Host = { ...bare, files: wrap(bare.files) };
  const store = await openStore({ files: host.files, clock: host.clock, paths: PATHS });
  const ledger = await openLedger(host.files, `${PATHS.run}/ledger`, host.bootId);
  const revisions = openRevisions(store, {
    paths: PATHS,
    goalsTimeoutSeconds: 120,
    verityHandlers: true,
    appengine: true,
  });
  const controller = updateController({
    clock: host.clock,
    reboot: host.reboot,
    ledger,
    store,
    reconcile: reconcileUpdate,
    load: revisions.load,
    whyUnreadable: unreadableFinder(revisions.load),
    commitDelaySeconds: () => 0,
    rebootTransitions: true,
    session: SESSION,
  });
  return { store, ledger, controller };
};
type Machine = Awaited<ReturnType<typeof machineOn>>;

export type Work = (machine: Machine, host: SimulatedHost) => Promise<void>;

/** Puts something between the machine and its files. */
export type Wrap = (files: Files) => Files;

/** Does it on a device with this storage. What precedes it, opening the store and the ledger, has been done before. */
export const run = async (tree: Tree, work: Work, cut?: Cut, wrap: Wrap = (files) => files): Promise<Run> => {
  const storage = simulatedStorage();
  plant(storage.fileSystem, tree);
  const host = simulatedHost({ storage, lxcPath: PATHS.lxc });
  const machine = await machineOn(host, wrap);
  const trees = [treeOf(storage.fileSystem)];
  let left = cut?.at ?? Number.POSITIVE_INFINITY;
  let calls = 0;
  let isWriteCut = false;
  host.faults = {
    before: (operation) => {
      calls += 1;
      if (cut?.any !== true && !isWrite(operation)) return undefined;
      left -= 1;
      if (left !== -1) return undefined;
      isWriteCut = isWrite(operation);
      return new DeviceError(operation.name, operation.subject, cut?.code ?? 'EIO');
    },
    after: (operation) => {
      if (isWrite(operation)) trees.push(treeOf(storage.fileSystem));
      return undefined;
    },
  };
  const end = await Promise.race([
    work(machine, host).then(
      () => 'done' as const,
      (error: unknown) => {
        if (error instanceof DeviceError) return 'refused' as const;
        throw error;
      },
    ),
    host.settle().then(() => 'rebooted' as const),
  ]);
  if (end === 'rebooted' && !host.rebooting) throw new Error('it neither ended nor rebooted');
  return { trees, end, calls, isWriteCut };
};

/** What a start does before its loop runs. */
export const start: Work = async ({ store, ledger }, { clock }) => {
  const boot = { clock, ledger, store, session: SESSION, onProblem: () => {} };
  await settle(boot);
  await bootDevice(boot);
};

export const perform =
  (action: Action): Work =>
  async ({ controller }) => {
    // Each executor of the table takes its own action; that the names match the compiler cannot pair up.
    const execute = controller.execute[action.type as keyof typeof controller.execute] as Execute;
    await execute(action, new AbortController().signal);
  };
type Execute = (action: Action, signal: AbortSignal) => Promise<void>;

/** Somebody brings a revision, again or for the first time. */
export const propose =
  (revision: string): Work =>
  async ({ store }) => {
    await store.propose(revision, STATES[revision]?.toBytes() ?? new Uint8Array());
  };

export interface Daemon {
  /** What somebody asked it for. */
  readonly wanted: string | undefined;
  /** What the device refused it last, if that was the last it did. */
  readonly refused: Action['type'] | undefined;
}

type Plans = Readonly<Record<World, Plan>>;

const plansOf = async (
  { controller }: Machine,
  { clock }: SimulatedHost,
  { wanted, refused }: Daemon,
): Promise<Plans> => {
  const status = await controller.observe('device');
  if (status === undefined) throw new Error('no update status');
  const revision = effectiveRevision(status);
  const spec = wanted === undefined ? undefined : specOf(wanted);
  const planIn = (world: World): Plan =>
    reconcileUpdate(
      { ref: UPDATE, spec, status },
      snapshotIn(world, status, { revision, refused }),
      // Every goal's time is over.
      clock.nowMs() + (world === 'bad' ? LATE_MS : 0),
    );
  return { good: planIn('good'), bad: planIn('bad'), refusing: planIn('refusing') };
};

/** What the machine would do next, in each world. */
export const look = async (tree: Tree, daemon: Daemon): Promise<Plans> => {
  let plans: Plans | undefined;
  await run(tree, async (machine, host) => {
    plans = await plansOf(machine, host, daemon);
  });
  if (plans === undefined) throw new Error('the device could not be looked at');
  return plans;
};

/** Goes on until nothing is left to do, or the device reboots. */
export const onward =
  (world: World, wanted?: string): Work =>
  async (machine, host) => {
    for (let left = PATIENCE; left > 0; left -= 1) {
      const plan = (await plansOf(machine, host, { wanted, refused: undefined }))[world];
      if (plan.outcome !== 'acting') return;
      await perform(plan.next)(machine, host);
    }
    throw new Error('it never comes to rest');
  };

export const inTurn =
  (...works: readonly Work[]): Work =>
  async (machine, host) => {
    for (const work of works) await work(machine, host);
  };

/** The next boots, undisturbed, until nothing is left to do. */
export const recovered = async (crashed: Tree, work: Work = onward('good')): Promise<Tree> => {
  let tree = crashed;
  for (let boots = 0; boots < 4; boots += 1) {
    const { trees, end } = await run(withoutBelow(tree, RUN), inTurn(start, work));
    tree = trees.at(-1) ?? tree;
    if (end === 'done') return tree;
  }
  throw new Error('it boots again and again');
};

const LATE_MS = 1_000_000;

const failure = (action: Action['type'], attempts: number) => ({
  action,
  attempts,
  code: 'EIO',
  message: 'refused',
  retryAtMs: 0,
});

const snapshotIn = (
  world: World,
  status: UpdateStatus,
  { revision, refused }: { readonly revision: string; readonly refused: Action['type'] | undefined },
): Snapshot => {
  const observed = { [UPDATE]: status };
  if (status.rebooting !== undefined) return snapshotOf({ revision: '(rebooting)', observed });
  const failures = {
    ...(refused === undefined ? {} : { [UPDATE]: failure(refused, 1) }),
    ...(world === 'refusing' && refused !== 'update.rollBack' ? { [UPDATE]: failure('update.try', 3) } : {}),
  };
  // The factory revision is empty.
  if (revision === '0') return snapshotOf({ revision, observed, failures });
  return snapshotOf({
    revision,
    desired: { 'group/app': groupSpec(), 'container/web': containerSpec() },
    observed: { ...observed, 'group/app': opened(), 'container/web': world === 'bad' ? installed() : running() },
    failures,
  });
};

const contentOf = (revision: string): TrailContent => trailContentOf(parsed(STATES[revision] ?? aState()));

/** A device that runs locals/one. Everything that will be proposed has its objects. */
export const firstTree = async (): Promise<Tree> => {
  const objects: [string, string][] = Object.values(STATES).flatMap((state) =>
    Object.entries(state.toValue()).flatMap(([key, id]): [string, string][] =>
      typeof id === 'string' && /^[0-9a-f]{64}$/.test(id) ? [[`objects/${id}`, key]] : [],
    ),
  );
  const empty: Tree = new Map<string, Entry>([
    ['objects/', 'directory'],
    ...objects.map(([path, key]): [string, Entry] => [path, { type: 'file', content: Buffer.from(key), mode: 0o644 }]),
  ]);
  const { trees } = await run(empty, async (machine, host) => {
    await propose('locals/one')(machine, host);
    await machine.store.install('locals/one', contentOf('locals/one'));
    await machine.store.commit('locals/one');
    await start(machine, host);
  });
  return trees.at(-1) ?? empty;
};
