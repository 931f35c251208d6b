/** What happens to a simulated device, made from a seed: data, so that the same seed is the same course for ever. */
import type { ControlAction } from '../../runtime/api/ports.ts';
import { type Random, seededRandom } from '../../runtime/host/simulated/random.ts';
import type { FaultRates } from '../../runtime/host/simulated/seeded-faults.ts';
import { type DeviceModel, mutated, randomModel, spoiled } from './model.ts';

export type Step =
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'propose'; readonly revision: string; readonly model: DeviceModel }
  | { readonly type: 'control'; readonly container: string; readonly action: ControlAction }
  | { readonly type: 'mischief'; readonly deed: MischiefName; readonly container: string; readonly volume: string }
  | { readonly type: 'faults'; readonly rates: FaultRates | undefined; readonly seed: number }
  | { readonly type: 'crash' }
  | { readonly type: 'powerCut' };

export const MISCHIEF = [
  'unmount',
  'mountOver',
  'detachLoop',
  'enter',
  'kill',
  'killMonitor',
  'freeze',
  'swapOff',
  'removeStorage',
  'removeUpper',
  'removeLxc',
  'fillStorage',
  'setWallTime',
] as const;
export type MischiefName = (typeof MISCHIEF)[number];

export interface Course {
  readonly seed: number;
  readonly lazy: boolean;
  /** Whether updates go through reboots. */
  readonly reboots: boolean;
  /** Whether the storage is verified and collected. */
  readonly keeps: boolean;
  readonly steps: readonly Step[];
  /** A good revision that is proposed when all is calm again. */
  readonly last: { readonly revision: string; readonly model: DeviceModel };
}

const VOLUMES = ['root.squashfs', 'lxc-overlay', 'scratch', 'data.squashfs'] as const;
const MAX_STEPS = 25;

export const courseOf = (seed: number): Course => {
  const random = seededRandom(seed);
  let model = randomModel(random);
  let number = 1;
  // An operator who stops a container saves its trial: bad revisions and operators are for different courses.
  const hasOperator = random.chance(0.5);
  const [reboots, keeps] = [random.chance(0.3), random.chance(0.5)];
  const steps: Step[] = [{ type: 'propose', revision: 'locals/r1', model }];
  for (let left = 3 + random.below(MAX_STEPS); left > 0; left -= 1) {
    if (random.chance(0.2)) {
      number += 1;
      model = mutated(model, random);
      const proposed = !hasOperator && random.chance(0.4) ? spoiled(model, random) : model;
      steps.push({ type: 'propose', revision: `locals/r${number}`, model: proposed });
    } else steps.push(randomStep(model, { hasOperator, keeps }, random));
    steps.push({ type: 'wait', ms: random.pick([0, 1, 10, 50, 500, 5_000, 40_000]) });
  }
  return {
    seed,
    reboots,
    keeps,
    lazy: random.chance(0.5),
    steps,
    last: { revision: 'locals/last', model: mutated(model, random) },
  };
};

const randomStep = (
  model: DeviceModel,
  { hasOperator, keeps }: { readonly hasOperator: boolean; readonly keeps: boolean },
  random: Random,
): Step => {
  const container = model.containers[random.below(model.containers.length)]?.name ?? 'ash';
  const roll = random.below(20);
  if (roll < 9) {
    return { type: 'mischief', deed: random.pick([...MISCHIEF]), container, volume: random.pick([...VOLUMES]) };
  }
  if (roll < 12 && hasOperator)
    return { type: 'control', container, action: random.pick(['start', 'stop', 'restart']) };
  if (roll < 14) return { type: 'crash' };
  if (roll < 15) return { type: 'powerCut' };
  const rates = random.chance(0.3) ? undefined : randomRates(keeps, random);
  return { type: 'faults', rates, seed: random.below(1_000_000) };
};

/** A device that cannot be looked at never starts, and gets no further: by turns only deeds fail, and often. */
const randomRates = (keeps: boolean, random: Random): FaultRates => {
  const deedsOnly = random.chance(0.5);
  return {
    deedsOnly,
    rate: random.pick(deedsOnly ? [0.05, 0.15, 0.4] : [0, 0.01, 0.05]),
    // A check of the storage that hangs is waited for: a start may take as long as it takes to read everything.
    hang: keeps ? 0 : random.pick([0, 0, 0, 0.005]),
    crash: random.pick(deedsOnly ? [0, 0.01, 0.05] : [0, 0, 0.002, 0.01]),
    tear: random.pick(deedsOnly ? [0, 0.01, 0.05] : [0, 0, 0.002, 0.01]),
    delay: random.pick([0, 0, 0.1]),
    maxDelayMs: random.pick([50, 2_000, 90_000]),
    lose: random.pick([0, 0, 0.1]),
    duplicate: random.pick([0, 0.2]),
  };
};
