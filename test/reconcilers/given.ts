/** Snapshots and specs for the tables of the reconciler tests. */
import type { Kind, Spec, Status } from '../../resources/catalog.ts';
import type { ContainerSpec, ContainerStatus, Exit, Run } from '../../resources/kinds/container.ts';
import type { GroupSpec } from '../../resources/kinds/group.ts';
import type { AutoRecovery } from '../../resources/kinds/recovery.ts';
import type { VolumeSpec, VolumeStatus } from '../../resources/kinds/volume.ts';
import type { Plan } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import { EMPTY_SNAPSHOT, type Reconciler, resourceIn, type Snapshot } from '../../resources/snapshot.ts';

export type Given = {
  readonly desired?: Readonly<Record<Ref, Spec>>;
  readonly observed?: Readonly<Record<Ref, Status>>;
} & Partial<Pick<Snapshot, 'failures' | 'lastActions' | 'plans' | 'revision'>>;

export const snapshotOf = (given: Given): Snapshot => ({ ...EMPTY_SNAPSHOT, revision: '1', ...given });

export const planFor = <K extends Kind>(reconcile: Reconciler<K>, ref: Ref<K>, given: Given, nowMs = 0): Plan => {
  const snapshot = snapshotOf(given);
  return reconcile(resourceIn(snapshot, ref), snapshot, nowMs);
};

/** A plan as a sentence: `halt: its definition changed …`, `wait for volume/web/root until 5000`. */
export const sentence = (plan: Plan): string => {
  switch (plan.outcome) {
    case 'converged':
      return 'converged';
    case 'acting':
      return `${plan.next.type}: ${plan.reason}`;
    case 'waiting': {
      const until = plan.untilMs === undefined ? '' : ` until ${plan.untilMs}`;
      return `waiting for ${plan.on.join(', ') || 'time'}${until}: ${plan.reason}`;
    }
    case 'stalled':
      return `stalled: ${plan.reason}`;
    default:
      return plan satisfies never;
  }
};

export const containerSpec = (overrides: Partial<ContainerSpec> = {}): ContainerSpec => ({
  loggers: [],
  name: 'web',
  order: 0,
  revision: '1',
  definition: 'd1',
  group: 'group/app',
  statusGoal: 'STARTED',
  restartPolicy: 'container',
  roles: ['mgmt'],
  volumes: [],
  directory: '/storage/trails/1/web',
  configFile: '/storage/trails/1/web/lxc.container.conf',
  bindModulesAndFirmware: true,
  stopped: false,
  generation: 0,
  ...overrides,
});

const facts = { definition: 'd1', generation: 0, revision: '1', rank: 0, retries: 0 };

export const run = (overrides: Partial<Run> = {}): Run => ({
  startedAtMs: 1000,
  initPid: 7,
  volumes: {},
  ...overrides,
});

export const installed = (overrides: Partial<typeof facts> = {}): ContainerStatus => ({
  ...facts,
  phase: 'installed',
  ...overrides,
});

export const running = (overrides: Partial<Extract<ContainerStatus, { phase: 'running' }>> = {}): ContainerStatus => ({
  ...facts,
  phase: 'running',
  run: run(),
  frozen: false,
  rootIntact: true,
  ...overrides,
});

export const exited = (
  exit: Exit,
  overrides: Partial<Extract<ContainerStatus, { phase: 'exited' }>> = {},
): Extract<ContainerStatus, { phase: 'exited' }> => ({
  ...facts,
  phase: 'exited',
  run: run(),
  exit,
  exitedAtMs: 2000,
  ...overrides,
});

export const recovery = (overrides: Partial<AutoRecovery> = {}): AutoRecovery => ({
  policy: 'on-failure',
  maxRetries: 0,
  retryDelaySeconds: 0,
  backoffFactor: 1,
  resetWindowSeconds: 0,
  stableTimeoutSeconds: 0,
  backoffPolicy: { type: 'reboot' },
  ...overrides,
});

export const groupSpec = (overrides: Partial<GroupSpec> = {}): GroupSpec => ({
  name: 'app',
  order: 0,
  revision: '1@aaa',
  statusGoal: 'STARTED',
  restartPolicy: 'container',
  timeoutSeconds: 30,
  members: ['container/web'],
  ...overrides,
});

export const opened = (openedAtMs = 0, revision = '1@aaa') => ({ revision, openedAtMs });

export const rootVolume: VolumeSpec = {
  owner: 'container/web',
  order: 0,
  target: '/volumes/web/root.squashfs',
  source: { type: 'image', image: '/storage/objects/aa', filesystem: 'squashfs' },
};

export const mountedRoot = (overrides: Partial<VolumeStatus> = {}): VolumeStatus => ({
  target: '/volumes/web/root.squashfs',
  type: 'image',
  sources: ['/storage/objects/aa'],
  identity: '7:0:/',
  deleted: false,
  ...overrides,
});
