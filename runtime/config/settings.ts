/** The settings in force: one value per key and the level that set it; and the rule by which a level changes them. */

import { nearest } from '../../resources/nearest.ts';
import { LEVELS, type Level, maySet } from './config-level.ts';
import type { Entry } from './key-value-entries.ts';
import { CONFIG_KEYS, type ConfigKey, type ConfigValues, KEYS, type Key } from './keys.ts';

interface Setting {
  readonly value: unknown;
  readonly modified: Level;
  /** As Entry has it. */
  readonly from?: string;
}

/** Somebody set a key, with or without success. */
export interface Attempt {
  readonly key: ConfigKey;
  readonly level: Level;
  /** As written; secrets are masked. */
  readonly text: string;
  readonly from?: string;
  /** Why it did not count, whatever else is set; undefined: it would have. */
  readonly refusal?: string;
}

export interface Settings {
  readonly byKey: ReadonlyMap<ConfigKey, Setting>;
  /** `sysctl.a.b` and `PV_SYSCTL_A_B` entries, as written; the last of equal keys wins. */
  readonly sysctls: readonly Entry[];
  /** One sentence per entry that was ignored: which, why, and what would have been accepted. */
  readonly warnings: readonly string[];
  /** In the order in which they came. */
  readonly attempts: readonly Attempt[];
}

/** A file that is no configuration must not fill the log, nor take the start with looking for what was meant. */
const MAX_WARNINGS = 50;
const MAX_ATTEMPTS = 1000;

export const DEFAULTS: Settings = {
  byKey: new Map(CONFIG_KEYS.map((name) => [name, { value: KEYS[name].default, modified: 'default' }])),
  sysctls: [],
  warnings: [],
  attempts: [],
};

const KEY_OF_ALIAS: ReadonlyMap<string, ConfigKey> = new Map(
  CONFIG_KEYS.flatMap((name) => KEYS[name].aliases.map((alias) => [alias, name] as const)),
);

const isKey = (name: string): name is ConfigKey => Object.hasOwn(KEYS, name);

/** Full names in any case, aliases exactly as written; `PV_log.level` is the alias `log.level`. */
export const keyNamed = (name: string): ConfigKey | undefined => {
  const upper = name.toUpperCase();
  if (isKey(upper)) return upper;
  return KEY_OF_ALIAS.get(name) ?? KEY_OF_ALIAS.get(name.replace(/^p[vh]_/i, ''));
};

export const isSysctl = (name: string): boolean => /^(?:sysctl\.|pv_sysctl[_.])./i.test(name);

const MAX_SHOWN = 80;
/** Keys come from files that may hold anything. */
const printable = (key: string): string =>
  /^[\x20-\x7e]*$/.test(key) && key.length <= MAX_SHOWN ? key : JSON.stringify(key.slice(0, MAX_SHOWN));

/** `env`, or `policy, /etc/pantavisor/policies/prod.config:3`. */
const sourceOf = ({ from }: Entry, level: Level): string =>
  from === undefined || level === 'env' || level === 'metadata' ? level : `${level}, ${printable(from)}`;

const unknownKey = (entry: Entry, level: Level): string => {
  const { key } = entry;
  const meant = nearest(key.toUpperCase(), CONFIG_KEYS) ?? nearest(key, [...KEY_OF_ALIAS.keys()]);
  const question = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${sourceOf(entry, level)}: ${printable(key)} is no configuration key, so it is ignored${question}`;
};

const shown = (key: Key<unknown>, value: string): string =>
  key.secret ? 'XXXX' : JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);

/** Settings while they are made. */
interface Draft {
  readonly byKey: Map<ConfigKey, Setting>;
  readonly sysctls: Entry[];
  readonly warnings: string[];
  readonly attempts: Attempt[];
}

const warn = ({ warnings }: Draft, warning: () => string): void => {
  if (warnings.length < MAX_WARNINGS) warnings.push(warning());
  else if (warnings.length === MAX_WARNINGS) warnings.push('more entries are ignored than are told here');
};

const refusalOf = (name: ConfigKey, key: Key<unknown>, entry: Entry, level: Level): string | undefined => {
  if (!maySet(level, key.access)) return `${name} cannot be set here, so it is ignored`;
  if (key.type.parse(entry.value) !== undefined) return undefined;
  return `${printable(entry.key)} is ${shown(key, entry.value)}, expected ${key.type.expected}; it is ignored`;
};

const applyEntry = (draft: Draft, entry: Entry, level: Level): void => {
  if (isSysctl(entry.key)) {
    draft.sysctls.push(entry);
    return;
  }
  const name = keyNamed(entry.key);
  if (name === undefined) {
    warn(draft, () => unknownKey(entry, level));
    return;
  }
  // Parsing and storing need not know which of the value types it is; ConfigValues puts the type back on.
  const key: Key<unknown> = KEYS[name];
  const from = entry.from === undefined ? {} : { from: entry.from };
  const refusal = refusalOf(name, key, entry, level);
  if (draft.attempts.length < MAX_ATTEMPTS) {
    const attempt = { key: name, level, text: key.secret ? 'XXXX' : entry.value, ...from };
    draft.attempts.push(refusal === undefined ? attempt : { ...attempt, refusal });
  }
  if (refusal !== undefined) {
    warn(draft, () => `${sourceOf(entry, level)}: ${refusal}`);
    return;
  }
  const complaint = key.type.complaint?.(entry.value);
  if (complaint !== undefined) warn(draft, () => `${sourceOf(entry, level)}: ${printable(entry.key)}: ${complaint}`);
  const current = draft.byKey.get(name);
  if (current !== undefined && LEVELS[level] < LEVELS[current.modified]) return;
  draft.byKey.set(name, { value: key.type.parse(entry.value), modified: level, ...from });
};

/** What the settings are after a source of this level was read. Levels may come in any order. */
export const applyEntries = (settings: Settings, entries: readonly Entry[], level: Level): Settings => {
  if (entries.length === 0) return settings;
  const { byKey, sysctls, warnings, attempts } = settings;
  const draft = { byKey: new Map(byKey), sysctls: [...sysctls], warnings: [...warnings], attempts: [...attempts] };
  for (const entry of entries) applyEntry(draft, entry, level);
  return draft;
};

/** The values by key. The cast is the seam: every stored value came from its key's own parser or default. */
export const valuesOf = ({ byKey }: Settings): ConfigValues =>
  Object.fromEntries([...byKey].map(([name, { value }]) => [name, value])) as ConfigValues;

export const modifiedOf = ({ byKey }: Settings): Readonly<Record<ConfigKey, Level>> =>
  Object.fromEntries([...byKey].map(([name, { modified }]) => [name, modified])) as Record<ConfigKey, Level>;
