/** Random devices as data: containers, groups, volumes and disks, how every container behaves, and what is wrong with it. */
import type { Behaviour } from '../../runtime/host/simulated/behaviour.ts';
import type { Random } from '../../runtime/host/simulated/random.ts';
import { aState, objectId, type StateBuilder } from '../state-builder.ts';

/** How a container behaves is a matter of its content: the LXC configuration says which of these it is. */
export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  plain: { readyAfterMs: 200 },
  slow: { startMs: 3_000, haltMs: 3_000, readyAfterMs: 2_000 },
  stubborn: { ignoresHalt: true, readyAfterMs: 10 },
  job: { exitAfterMs: 400, readyAfterMs: 100 },
  refused: { failsToStart: 'simulated refusal' },
  crashing: { exitAfterMs: 60, exit: { type: 'code', code: 7 } },
  mute: {},
};

const FAULTS = ['refused', 'crashing', 'mute', 'corrupt', 'no-disk', 'unsupported'] as const;
export type Defect = (typeof FAULTS)[number];

export interface ContainerModel {
  readonly name: string;
  readonly group: string;
  readonly goal: 'MOUNTED' | 'STARTED' | 'READY';
  readonly recovery: object | undefined;
  readonly behaviour: string;
  readonly version: number;
  readonly storage: Readonly<Record<string, { readonly persistence: string; readonly disk?: string }>>;
  readonly hasData: boolean;
  readonly hasConfig: boolean;
  readonly defect?: Defect;
}

export interface DeviceModel {
  readonly groups: readonly string[];
  readonly disks: readonly string[];
  readonly containers: readonly ContainerModel[];
}

export const NAMES = ['ash', 'birch', 'cedar', 'elm', 'fir', 'oak'] as const;
const DISKS: Readonly<Record<string, object>> = {
  room: { type: 'volume-disk' },
  usb: { type: 'volume-disk', path: '/dev/sda', provision: 'block', format: 'ext4' },
  memory: { type: 'volume-disk', provision: 'zram', provision_options: 'disksize=16M', format: 'ext4' },
  swap: { type: 'swap-disk', format: 'swap', provision: 'zram', provision_options: 'disksize=8M' },
  swapfile: {
    type: 'swap-disk',
    format: 'swap',
    provision: 'file',
    path: '/storage/swapfile',
    provision_options: 'size=32M',
  },
};
const LOST_DISK = { name: 'lost', type: 'volume-disk', path: '/dev/nowhere', provision: 'block', format: 'ext4' };

const RECOVERIES = [
  undefined,
  undefined,
  { policy: 'always' },
  { policy: 'on-failure', max_retries: 3, backoff_policy: 'never' },
  { policy: 'always', retry_delay: 2, backoff_factor: 2, max_retries: 4, backoff_policy: '1min' },
  { policy: 'on-failure', retry_delay: 1, stable_timeout: 10 },
] as const;

export const randomModel = (random: Random): DeviceModel => {
  const groups = ['first', 'second', 'third'].slice(0, 1 + random.below(3));
  const disks = Object.keys(DISKS).filter(() => random.chance(0.3));
  const count = 1 + random.below(NAMES.length);
  const model = { groups, disks, containers: [] };
  return { ...model, containers: NAMES.slice(0, count).map((name) => randomContainer(name, model, random)) };
};

const randomContainer = (name: string, model: DeviceModel, random: Random): ContainerModel => {
  const goal = random.pick<ContainerModel['goal']>(['STARTED', 'STARTED', 'STARTED', 'READY', 'MOUNTED']);
  const volumeDisks = model.disks.filter((disk) => !disk.startsWith('swap'));
  const entry = () => {
    const [disk] = random.chance(0.5) ? volumeDisks : [];
    return { persistence: random.pick(['boot', 'permanent', 'revision']), ...(disk === undefined ? {} : { disk }) };
  };
  return {
    name,
    group: model.groups[random.below(model.groups.length)] ?? 'first',
    goal,
    recovery: random.pick([...RECOVERIES]),
    behaviour: random.pick(['plain', 'plain', 'plain', 'slow', 'stubborn']),
    version: random.below(1_000_000),
    storage: { 'lxc-overlay': entry(), ...(random.chance(0.3) ? { scratch: entry() } : {}) },
    hasData: random.chance(0.3),
    hasConfig: random.chance(0.3),
    ...(goal !== 'MOUNTED' && random.chance(0.1)
      ? { behaviour: 'job', recovery: { policy: 'on-failure' }, goal: 'STARTED' as const }
      : {}),
  };
};

/** Another revision: some containers changed, one gone, one new; rarely all is different. */
export const mutated = (model: DeviceModel, random: Random): DeviceModel => {
  if (random.chance(0.1)) return randomModel(random);
  const kept = model.containers.filter(() => model.containers.length === 1 || !random.chance(0.15));
  const changed = kept.map((container) => {
    if (random.chance(0.6)) return container;
    return random.chance(0.5) ? randomContainer(container.name, model, random) : bumped(container, random);
  });
  const free = NAMES.find((name) => !model.containers.some((container) => container.name === name));
  const added = free !== undefined && random.chance(0.4) ? [randomContainer(free, model, random)] : [];
  const withoutDefects = [...changed, ...added].map(({ defect: _, ...container }) => container);
  return { ...model, containers: withoutDefects };
};

const bumped = (container: ContainerModel, random: Random): ContainerModel => ({
  ...container,
  version: random.below(1_000_000),
});

/** One container that runs is given something that no trial can survive. */
export const spoiled = (model: DeviceModel, random: Random): DeviceModel => {
  const victim = model.containers.findIndex(({ goal }) => goal !== 'MOUNTED');
  const defect = random.pick(FAULTS);
  const containers = model.containers.map((container, index) => {
    if (index !== victim) return container;
    const behaviour = defect in BEHAVIOURS ? defect : container.behaviour;
    const goal = defect === 'mute' ? ('READY' as const) : container.goal;
    return { ...bumped(container, random), defect, behaviour, goal, recovery: undefined };
  });
  return { ...model, containers };
};

export const isSpoiled = ({ containers }: DeviceModel): boolean =>
  containers.some(({ defect }) => defect !== undefined);

export interface SimulatedState {
  readonly state: StateBuilder;
  /** By object id, where it matters. */
  readonly contents: ReadonlyMap<string, string>;
}

const LXC_TAG = 'lxc.environment = SIMULATED=';

export const behaviourIn = (config: string): Behaviour => {
  const tag = config.split('\n').find((line) => line.startsWith(LXC_TAG));
  return BEHAVIOURS[tag?.slice(LXC_TAG.length) ?? 'plain'] ?? {};
};

export const stateOf = (model: DeviceModel, lxcFile: (key: string) => string): SimulatedState => {
  const contents = new Map<string, string>();
  let state = model.groups.reduce((all, name) => all.group({ name, timeout: 30 }), aState());
  for (const name of model.disks) state = state.disk({ name, ...DISKS[name] });
  if (model.containers.some(({ defect }) => defect === 'no-disk')) state = state.disk(LOST_DISK);
  for (const container of model.containers) {
    const { name, behaviour, version, defect } = container;
    const config = `${lxcFile(`${name}/`)}\n${LXC_TAG}${behaviour}`;
    const root = defect === 'corrupt' ? `rubbish ${version}` : `hsqs root of ${name} ${version}`;
    for (const content of [config, root]) contents.set(objectId(content), content);
    state = state
      .container(name, runOf(container))
      .object(`${name}/lxc.container.conf`, config)
      .object(`${name}/root.squashfs`, root);
    if (container.hasData) state = state.object(`${name}/data.squashfs`, `hsqs data of ${name}`);
    contents.set(objectId(`hsqs data of ${name}`), `hsqs data of ${name}`);
    if (container.hasConfig) {
      const hostname = `${name} ${version}`;
      contents.set(objectId(hostname), hostname);
      state = state.object(`_config/${name}/etc/hostname`, hostname);
    }
  }
  return { state, contents };
};

const runOf = ({ group, goal, recovery, storage, hasData, defect }: ContainerModel): Record<string, unknown> => ({
  group,
  status_goal: goal,
  storage: defect === 'no-disk' ? { 'lxc-overlay': { persistence: 'permanent', disk: 'lost' } } : storage,
  ...(recovery === undefined ? {} : { auto_recovery: recovery }),
  ...(hasData ? { volumes: ['data.squashfs'] } : {}),
  ...(defect === 'unsupported' ? { type: 'docker' } : {}),
});
