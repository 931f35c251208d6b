/** One configuration key for people: its value, where that came from, and what it could be. */
import { KEYS } from './keys.ts';
import { LEVELS, type Level, maySet } from './level.ts';
import type { ShownKey } from './shown.ts';

export interface ExplainedKey extends ShownKey {
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
  return {
    ...shown,
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
  ['value', ({ value }) => value],
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
