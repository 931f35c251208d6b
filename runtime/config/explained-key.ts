/** One configuration key for people: its value, where that came from, and what it could be. */

import { LEVELS, type Level, maySet } from './config-level.ts';
import { ABOUT } from './key-descriptions.ts';
import { KEYS } from './keys.ts';
import type { Attempt, Settings } from './settings.ts';
import type { ShownKey } from './shown-config.ts';

export interface ExplainedKey extends ShownKey {
  /** What it is for; of our own keys. */
  readonly about?: string;
  /** Why what it asks for cannot be had. */
  readonly refused?: string;
  readonly default: string;
  readonly expected: string;
  readonly aliases: readonly string[];
  /** In rising precedence. */
  readonly settableBy: readonly Level[];
  /** Where in its source the value stands. */
  readonly from?: string;
  /** Who else set it, in vain. */
  readonly others: readonly Omit<Attempt, 'key'>[];
}

/** Those that are read when the daemon starts, or by it while it runs. */
const SOURCES = Object.keys(LEVELS).filter((level) => !['default', 'args', 'unknown', 'command'].includes(level));

/** All attempts but the one that counts: the last of its level that was not refused. */
const othersOf = (key: ShownKey, { attempts }: Settings): ExplainedKey['others'] => {
  const own = attempts.filter((attempt) => attempt.key === key.key && attempt.level !== 'default');
  const winner = own.findLast(({ level, refusal }) => level === key.modified && refusal === undefined);
  return own.filter((attempt) => attempt !== winner).map(({ key: _, ...rest }) => rest);
};

export const explainedKey = (shown: ShownKey, builtIn: ShownKey, settings: Settings): ExplainedKey => {
  const { type, aliases, access } = KEYS[shown.key];
  const about = ABOUT[shown.key];
  const from = settings.byKey.get(shown.key)?.from;
  return {
    ...shown,
    ...(about === undefined ? {} : { about }),
    ...(from === undefined ? {} : { from }),
    others: othersOf(shown, settings),
    default: builtIn.value,
    expected: type.expected,
    aliases,
    settableBy: (SOURCES as readonly Level[]).filter((level) => maySet(level, access)), // the keys of LEVELS
  };
};

const ORIGINS: Readonly<Partial<Record<Level, string>>> = {
  default: 'nobody set it: this is the default',
  args: 'set by a word of the command line',
  'pv conf file': 'set by the configuration file',
  env: 'set by the environment',
  policy: 'set by the policy',
  'oem config': 'set by the OEM configuration of the running revision',
  'pv cmdline': 'set on the command line',
  'ph cmdline': 'set on the command line',
  metadata: 'set by user metadata, or by a command',
};

export const originOf = (level: Level): string => ORIGINS[level] ?? `set by ${level}`;

const ROWS: readonly (readonly [name: string, of: (key: ExplainedKey) => string])[] = [
  ['about', ({ about }) => about ?? ''],
  ['value', ({ value }) => value],
  ['refused', ({ refused }) => refused ?? ''],
  ['from', ({ modified, from }) => (from === undefined ? originOf(modified) : `${originOf(modified)}: ${from}`)],
  ['default', (key) => key.default],
  ['expected', ({ expected }) => expected],
  ['set by', ({ settableBy }) => settableBy.join(' < ')],
  ['also called', ({ aliases }) => aliases.join(', ')],
];

const otherText = ({ level, text, from, refusal }: ExplainedKey['others'][number]): string => {
  const where = from === undefined ? '' : ` (${from})`;
  return `${JSON.stringify(text)} by ${level}${where}, ${refusal === undefined ? 'overruled' : `refused: ${refusal}`}`;
};

/** A few lines; `<name>  <text>`. */
export const explanationText = (key: ExplainedKey): string => {
  const rows = ROWS.map(([name, of]) => [name, of(key)] as const).filter(([, text]) => text !== '');
  const others = key.others.map((other) => ['also set', otherText(other)] as const);
  return `${key.key}\n${[...rows, ...others].map(([name, text]) => `  ${name.padEnd(12)}${text}\n`).join('')}`;
};
