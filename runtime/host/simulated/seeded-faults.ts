/** Faults by chance, as a device could have them: which operation fails with what is a matter of its kind. */
import { DeviceError } from '../host.ts';
import type { Delivery, Fault, Faults, Operation } from './operation.ts';
import { type Random, seededRandom } from './random.ts';

export interface FaultRates {
  /** Probability per operation that the device refuses it; half of those that change something took effect all the same. */
  readonly rate: number;
  readonly hang?: number;
  readonly crash?: number;
  readonly tear?: number;
  readonly delay?: number;
  /** Default 2 000. */
  readonly maxDelayMs?: number;
  /** Of notifications. A lost one is never made up for. */
  readonly lose?: number;
  readonly duplicate?: number;
  /** Nothing fails from this operation of the device on, so that convergence can be asked for. */
  readonly untilIndex?: number;
  /** Only what changes mounts, disks and containers, and what is told of them; default: everything. */
  readonly deedsOnly?: boolean;
  /** Codes by kind of operation (`files.write`), instead of the plausible ones. */
  readonly errnos?: Readonly<Record<string, readonly [string, ...string[]]>>;
}

type Codes = readonly [string, ...string[]];

const READ: Codes = ['EIO', 'EMFILE', 'ENOMEM', 'EACCES'];
const WRITE: Codes = ['EIO', 'ENOSPC', 'EROFS', 'EMFILE', 'ENOMEM', 'EDQUOT', 'EACCES'];
const MOUNT: Codes = ['EIO', 'ENOMEM', 'EPERM', 'EINVAL'];
const ASK: Codes = ['TIMEOUT', 'ECONNREFUSED', 'EMFILE'];
const CHANGE: Codes = ['TIMEOUT', 'EIO', 'ENOMEM'];

const READS = new Set([
  'stat',
  'read',
  'stream',
  'list',
  'listing',
  'space',
  'at',
  'below',
  'contents',
  'swaps',
  'inspect',
]);

const PLAUSIBLE: Readonly<Record<string, Codes>> = {
  'containers.configure': WRITE,
  'containers.start': ['LXC_START', 'TIMEOUT', 'EAGAIN'],
  'containers.inspect': ASK,
  'containers.list': READ,
  'containers.remove': ['EBUSY', 'EIO'],
  'disks.allocate': WRITE,
  'disks.format': ['EIO', 'EBUSY', 'TIMEOUT'],
  'disks.zramCreate': ['EBUSY', 'ENOMEM', 'EINVAL'],
  'disks.swapOff': ['ENOMEM', 'EIO'],
  'mounts.mountImage': ['EBUSY', ...MOUNT],
  'mounts.unmount': ['EBUSY', 'EIO'],
};

const BY_PORT: Readonly<Record<Operation['port'], Codes>> = {
  files: WRITE,
  mounts: MOUNT,
  disks: CHANGE,
  containers: CHANGE,
  logs: WRITE,
};

const codesFor = ({ port, name }: Operation, errnos: FaultRates['errnos']): Codes => {
  const kind = `${port}.${name}`;
  return errnos?.[kind] ?? PLAUSIBLE[kind] ?? (READS.has(name) ? READ : BY_PORT[port]);
};

const refusal = (operation: Operation, random: Random, errnos: FaultRates['errnos']): DeviceError => {
  const code = random.pick(codesFor(operation, errnos));
  return new DeviceError(operation.name, operation.subject, code, `simulated at operation ${operation.index}`);
};

/** The same seed and the same course of operations: the same faults. */
export const seededFaults = (seed: number, rates: FaultRates): Faults => {
  const random = seededRandom(seed);
  const { rate, hang = 0, crash = 0, tear = 0, delay = 0, maxDelayMs = 2_000, lose = 0, duplicate = 0 } = rates;
  const isSpared = ({ index, port, name }: Operation): boolean =>
    index >= (rates.untilIndex ?? Number.POSITIVE_INFINITY) ||
    (rates.deedsOnly === true && (port === 'files' || READS.has(name)));
  const before = (operation: Operation): Fault | undefined => {
    if (isSpared(operation)) return undefined;
    if (random.chance(READS.has(operation.name) ? rate : rate / 2)) return refusal(operation, random, rates.errnos);
    if (random.chance(hang)) return 'hang';
    if (random.chance(crash / 2)) return 'crash';
    if (random.chance(tear)) return 'tear';
    return random.chance(delay) ? { delayMs: 1 + random.below(maxDelayMs) } : undefined;
  };
  const after = (operation: Operation): Fault | undefined => {
    if (isSpared(operation)) return undefined;
    if (!READS.has(operation.name) && random.chance(rate / 2)) return refusal(operation, random, rates.errnos);
    return random.chance(crash / 2) ? 'crash' : undefined;
  };
  const notification = (operation: Operation): Delivery | undefined => {
    if (isSpared(operation)) return undefined;
    if (random.chance(lose)) return 'lose';
    if (random.chance(duplicate)) return 'duplicate';
    return random.chance(delay) ? { delayMs: 1 + random.below(maxDelayMs) } : undefined;
  };
  return { before, after, notification };
};
