/** One configuration key for people: its value, where that came from, and what it could be. */
import { ABOUT } from './about.ts';
import { KEYS } from './keys.ts';
import { LEVELS, type Level, maySet } from './level.ts';
import type { ShownKey } from './shown.ts';

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
}

/** Those that are read when the daemon starts, or by it while it runs. */
const SOURCES = Object.keys(LEVELS).filter((level) => !['default', 'args', 'unknown', 'command'].includes(level));

export const explainedKey = (shown: ShownKey, builtIn: ShownKey): ExplainedKey => {
  const { type, aliases, access } = KEYS[shown.key];
  const about = ABOUT[shown.key];
  return {
    ...shown,
    ...(about === undefined ? {} : { about }),
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
  metadata: 'set by user metadata, or by a command',
};

export const originOf = (level: Level): string => ORIGINS[level] ?? `set by ${level}`;

const ROWS: readonly (readonly [name: string, of: (key: ExplainedKey) => string])[] = [
  ['about', ({ about }) => about ?? ''],
  ['value', ({ value }) => value],
  ['refused', ({ refused }) => refused ?? ''],
  ['from', ({ modified }) => originOf(modified)],
  ['default', (key) => key.default],
  ['expected', ({ expected }) => expected],
  ['set by', ({ settableBy }) => settableBy.join(' < ')],
  ['also called', ({ aliases }) => aliases.join(', ')],
];

/** A few lines; `<name>  <text>`. */
export const explanationText = (key: ExplainedKey): string => {
  const rows = ROWS.map(([name, of]) => [name, of(key)] as const).filter(([, text]) => text !== '');
  return `${key.key}\n${rows.map(([name, text]) => `  ${name.padEnd(12)}${text}\n`).join('')}`;
};
