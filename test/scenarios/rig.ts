/** A whole device on the simulated host: the same composition as the daemon's, with a time that the test moves. */

import { statusNameOf } from '../../reconcilers/goals.ts';
import { refOf } from '../../resources/ref.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import { UPDATE, type UpdateStatus } from '../../resources/update.ts';
import type { Behaviour } from '../../runtime/host/simulated/behaviour.ts';
import { type SimulatedHost, simulatedHost } from '../../runtime/host/simulated/simulated.ts';
import { type Device, startDevice } from '../../runtime/main/device.ts';
import { type StateBuilder, sha256, TEST_PATHS } from '../state-builder.ts';

export interface RigOptions {
  readonly commitDelaySeconds?: number;
  readonly goalsTimeoutSeconds?: number;
  readonly seed?: number;
}

export interface Rig {
  readonly host: SimulatedHost;
  readonly device: Device;
  /** Bugs of ours that would have ended the daemon. */
  readonly bugs: readonly unknown[];
  behaviour(container: string, behaviour: Behaviour): void;
  /** Stores a revision with its objects and proposes it. */
  propose(state: StateBuilder, revision?: string): Promise<void>;
  /** Proposes, and waits until it is committed or given up. @returns `DONE`, or the failure's status and reason. */
  run(state: StateBuilder, revision?: string): Promise<string>;
  update(): UpdateStatus;
  statusOf(container: string): string;
  /** Waits for a time of the simulated clock until something holds; throws what is unfinished when it does not. */
  until(holds: () => boolean, limitMs?: number): Promise<void>;
  /** What the daemon did since the last call. */
  newLog(): readonly string[];
  /** The daemon is killed and started again. */
  restarted(): Promise<Rig>;
  afterPowerCut(): Promise<Rig>;
  shutDown(): Promise<readonly string[]>;
}

const LIMIT_MS = 600_000;
let sessions = 0;

export const aRig = (options: RigOptions = {}): Promise<Rig> =>
  startRig(
    simulatedHost({
      seed: options.seed ?? 1,
      lxcPath: TEST_PATHS.lxc,
      bases: ['/storage', '/volumes', '/run/pantavisor'],
    }),
    options,
  );

const startRig = async (host: SimulatedHost, options: RigOptions): Promise<Rig> => {
  const bugs: unknown[] = [];
  let logged = 0;
  sessions += 1;
  const starting = startDevice({
    host,
    paths: TEST_PATHS,
    goalsTimeoutSeconds: options.goalsTimeoutSeconds ?? 120,
    commitDelaySeconds: options.commitDelaySeconds ?? 5,
    verityHandlers: true,
    lxc: {
      host: { cgroups: 'unified', firmware: false },
      logLevel: 2,
      consoleBytes: 1 << 20,
      devLog: false,
      onNotice: () => {},
    },
    session: `session-${sessions}`,
    onEvents: () => {},
    onBug: (error) => bugs.push(error),
    onProblem: () => {},
  });
  const device = await settled(host, starting);
  host.ready.subscribe((name) => void device.signalReady(name));
  const { loop, store } = device;

  const unfinished = (): string =>
    Object.entries(loop.latest().plans)
      .filter(([, plan]) => plan.outcome !== 'converged')
      .map(([ref, plan]) => `${ref} ${plan.outcome}: ${plan.outcome === 'converged' ? '' : plan.reason}`)
      .join('\n');

  const rig: Rig = {
    host,
    device,
    bugs,
    behaviour: (container, behaviour) => host.behaviour(container, behaviour),
    propose: async (state, revision = 'locals/test') => {
      const bytes = state.toBytes();
      for (const [key, value] of Object.entries(state.toValue())) {
        if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) continue;
        await settled(host, host.operator.files.makeDirectory('/storage/objects', 0o755));
        const content = key.endsWith('.conf') ? lxcFile(key) : `hsqs ${key}`;
        await settled(host, host.operator.files.write(`/storage/objects/${value}`, content, 0o644));
      }
      await settled(host, store.propose(revision, bytes));
      device.propose({ revision, hash: sha256(new TextDecoder().decode(bytes)) });
    },
    run: async (state, revision = 'locals/test') => {
      await rig.propose(state, revision);
      await rig.until(() => isSettled(rig.update(), revision));
      const { committed, failures } = rig.update();
      if (committed.revision === revision) return 'DONE';
      const failure = failures[revision];
      return `${failure?.status} ${failure?.message}: ${failure?.detail}`;
    },
    update: () => {
      const { status } = resourceIn(loop.latest(), UPDATE);
      if (status === undefined) throw new Error('no update status yet');
      return status;
    },
    statusOf: (container) => statusNameOf(refOf('container', container), loop.latest()),
    until: async (holds, limitMs = LIMIT_MS) => {
      const reached = await host.runUntil(() => bugs.length > 0 || holds(), limitMs);
      if (bugs.length > 0) throw bugs[0];
      if (!reached) throw new Error(`not reached in ${limitMs} ms; unfinished:\n${unfinished()}`);
    },
    newLog: () => {
      const fresh = host.log.slice(logged).filter(isDeed);
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
    shutDown: async () => settled(host, device.shutDown(120_000)),
  };
  await rig.until(() => loop.latest().revision !== undefined);
  return rig;
};

/** Lets the simulated device do its part while we wait for a promise. */
const settled = async <T>(host: SimulatedHost, promise: Promise<T>): Promise<T> => {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => {});
  await host.runUntil(() => done, LIMIT_MS);
  return watched;
};

const isSettled = ({ committed, trial, failures }: UpdateStatus, revision: string): boolean =>
  trial === undefined && (committed.revision === revision || failures[revision] !== undefined);

/** What happened to the device: files, ledger and store are ours. */
const isDeed = (sentence: string): boolean =>
  /^(mount|bind|unmount|start|halt|kill|unfreeze|format|allocate|swap|zram|set up)/.test(sentence);

const lxcFile = (key: string): string => {
  const name = key.slice(0, key.indexOf('/'));
  return [
    `lxc.rootfs.path = overlayfs:/volumes/${name}/root.squashfs:/volumes/${name}/lxc-overlay/upper`,
    'lxc.namespace.keep = user net ipc',
    'lxc.init.cmd = /sbin/init',
  ].join('\n');
};
