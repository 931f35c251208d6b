/** What survives the power: storage, the seed's course, and what the test decided about faults and containers. */
import type { Behaviour, BehaviourOf } from './behaviour.ts';
import type { Faults } from './operation.ts';
import { type SimulatedStorage, simulatedStorage } from './persistent-storage.ts';
import { type Random, seededRandom } from './random.ts';

export interface SimulatedOptions {
  /** Of everything left to chance: what a tear or a power cut leaves, boot ids. */
  readonly seed: number;
  readonly storage: SimulatedStorage;
  /** Where the storage is mounted. Everything else is lost with the power. */
  readonly storageAt: string;
  /** lxcpath. */
  readonly lxcPath: string;
  readonly boot: { readonly uptimeMs: number; readonly wallTime: Date };
  readonly zram: boolean;
  readonly swap: boolean;
  /** Operations that do not promise to be durable are so only with the next one that does. */
  readonly lazy: boolean;
  readonly faults: Faults;
  readonly behaviour: BehaviourOf;
  /** Directories left out of the log's sentences. */
  readonly bases: readonly string[];
}

const DEFAULTS: Omit<SimulatedOptions, 'storage'> = {
  seed: 1,
  storageAt: '/storage',
  lxcPath: '/run/lxc',
  boot: { uptimeMs: 5_000, wallTime: new Date('2024-01-01T00:00:00Z') },
  zram: true,
  swap: true,
  lazy: false,
  faults: {},
  behaviour: () => ({}),
  bases: ['/storage', '/run/pantavisor'],
};

export class Hardware {
  readonly options: SimulatedOptions;
  readonly random: Random;
  readonly storage: SimulatedStorage;
  faults: Faults;
  readonly behaviours = new Map<string, BehaviourOf>();
  readonly #short = new Map<string, string>();
  #index = 0;

  constructor(options: Partial<SimulatedOptions>) {
    this.storage = options.storage ?? simulatedStorage();
    this.options = { ...DEFAULTS, ...options, storage: this.storage };
    this.random = seededRandom(this.options.seed);
    this.faults = this.options.faults;
  }

  nextIndex(): number {
    this.#index += 1;
    return this.#index - 1;
  }

  behaviourOf(name: string, attempt: number, config: string): Behaviour {
    return (this.behaviours.get(name) ?? this.options.behaviour)(name, attempt, config);
  }

  nextBootId(): string {
    const hex = (): string => this.random.below(0x1_0000).toString(16).padStart(4, '0');
    return `${hex()}${hex()}-${hex()}-4${hex().slice(1)}-a${hex().slice(1)}-${hex()}${hex()}${hex()}`;
  }

  /** For people: without the base directory, hashes cut as `ab12…`. */
  short(path: string): string {
    const known = this.#short.get(path);
    if (known !== undefined) return known;
    const base = this.options.bases.find((directory) => path.startsWith(`${directory}/`));
    const inside = base === undefined ? path : path.slice(base.length + 1);
    const short = inside.replace(/[0-9a-f]{64}/g, (hash) => `${hash.slice(0, 4)}…`);
    this.#short.set(path, short);
    return short;
  }
}
