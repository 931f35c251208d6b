/** Swap areas: swapon(2), swapoff(2) and /proc/swaps. */
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { defer, NEVER, type Observable } from 'rxjs';
import { DeviceError } from '../../host.ts';
import { attempt, attemptUnlessAbsent } from '../files/file-errors.ts';
import { changesOf } from '../kernel/kernel-events.ts';
import { swapoff, swapon } from '../kernel/libc.ts';
import { unescapeOctal } from '../mounts/mountinfo.ts';

const TABLE = '/proc/swaps';

export const isSwapSupported = (): boolean => existsSync(TABLE);

/** The kernel pads the first column with spaces, and escapes those that belong to the path. */
export const parseSwaps = (text: string): readonly string[] =>
  text
    .split('\n')
    .slice(1)
    .flatMap((line) => /^\S+/.exec(line)?.[0] ?? [])
    .map(unescapeOctal);

export const swaps = async (): Promise<readonly string[]> =>
  parseSwaps((await attemptUnlessAbsent('read', TABLE, () => readFile(TABLE, 'utf8'))) ?? '');

const PREFER = 0x8000;
const HIGHEST_PRIORITY = 0x7fff;
const DISCARD = { '': 0x10000, once: 0x30000, pages: 0x50000 } as const;

const bad = (option: string): DeviceError =>
  new DeviceError('swapon', option, 'EINVAL', 'expected -p <0..32767>, -d[once|pages], or -o with pri= and discard[=]');

const priority = (value: string | undefined): number => {
  const number = /^\d+$/.test(value ?? '') ? Number(value) : Number.NaN;
  if (!(number <= HIGHEST_PRIORITY)) throw bad(`-p ${value ?? ''}`);
  return PREFER | number;
};

const discard = (policy: string): number => {
  if (policy === '' || policy === 'once' || policy === 'pages') return DISCARD[policy];
  throw bad(`--discard=${policy}`);
};

/** One entry of `-o`. */
const mountOption = (option: string): number => {
  if (option.startsWith('pri=')) return priority(option.slice('pri='.length));
  if (option === 'discard') return discard('');
  if (option.startsWith('discard=')) return discard(option.slice('discard='.length));
  // What /etc/fstab carries along without a meaning for swapon(2).
  if (['defaults', 'sw', 'nofail', 'auto', 'noauto', ''].includes(option)) return 0;
  throw bad(`-o ${option}`);
};

const mountOptions = (list: string): number => list.split(',').reduce((flags, one) => flags | mountOption(one), 0);

/** The options of swapon(8) as flags of swapon(2). */
export const swapFlags = (options: readonly string[]): number => {
  let flags = 0;
  const rest = [...options];
  for (let option = rest.shift(); option !== undefined; option = rest.shift()) {
    const [, name, value] = /^(-[pdo]|--priority|--discard|--options)=?(.*)$/s.exec(option) ?? [];
    if (name === '-p' || name === '--priority') flags |= priority(value || rest.shift());
    else if (name === '-d' || name === '--discard') flags |= discard(value ?? '');
    else if (name === '-o' || name === '--options') flags |= mountOptions(value || (rest.shift() ?? ''));
    else if (option !== '') throw bad(option);
  }
  return flags;
};

/** The kernel lists what a path leads to. */
const isActive = async (path: string): Promise<boolean> => {
  const real = await attemptUnlessAbsent('stat', path, () => realpath(path));
  const active = await swaps();
  return active.includes(path) || (real !== undefined && active.includes(real));
};

export const swapOn = (path: string, options: readonly string[]): Promise<void> =>
  attempt('swapon', path, async () => {
    const flags = swapFlags(options);
    if (!(await isActive(path))) await swapon(path, flags);
  });

export const swapOff = (path: string): Promise<void> =>
  attempt('swapoff', path, async () => {
    if (await isActive(path)) await swapoff(path);
  });

export const swapChanges: Observable<void> = defer(() => (isSwapSupported() ? changesOf(TABLE) : NEVER));
