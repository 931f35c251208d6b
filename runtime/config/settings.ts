/** The settings in force: one value per key and the level that set it; and the rule by which a level changes them. */
import type { Entry } from './entries.ts';
import { CONFIG_KEYS, type ConfigKey, type ConfigValues, KEYS, type Key } from './keys.ts';
import { LEVELS, type Level, maySet } from './level.ts';
import { nearest } from './nearest.ts';

interface Setting {
  readonly value: unknown;
  readonly modified: Level;
}

export interface Settings {
  readonly byKey: ReadonlyMap<ConfigKey, Setting>;
  /** `sysctl.a.b` and `PV_SYSCTL_A_B` entries, as written; the last of equal keys wins. */
  readonly sysctls: readonly Entry[];
  /** One sentence per entry that was ignored: which, why, and what would have been accepted. */
  readonly warnings: readonly string[];
}

export const DEFAULTS: Settings = {
  byKey: new Map(CONFIG_KEYS.map((name) => [name, { value: KEYS[name].default, modified: 'default' }])),
  sysctls: [],
  warnings: [],
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

const isSysctl = (name: string): boolean => /^(?:sysctl\.|pv_sysctl[_.])./i.test(name);

const unknownKey = ({ key }: Entry, level: Level): string => {
  const meant = nearest(key.toUpperCase(), CONFIG_KEYS) ?? nearest(key, [...KEY_OF_ALIAS.keys()]);
  return `${level}: ${key} is no configuration key, so it is ignored${meant === undefined ? '' : `; did you mean ${meant}?`}`;
};

const shown = (key: Key<unknown>, value: string): string => (key.secret ? 'XXXX' : JSON.stringify(value));

const applyEntry = (settings: Settings, entry: Entry, level: Level): Settings => {
  const warn = (warning: string): Settings => ({ ...settings, warnings: [...settings.warnings, warning] });
  if (isSysctl(entry.key)) return { ...settings, sysctls: [...settings.sysctls, entry] };

  const name = keyNamed(entry.key);
  if (name === undefined) return warn(unknownKey(entry, level));

  // Parsing and storing need not know which of the value types it is; ConfigValues puts the type back on.
  const key: Key<unknown> = KEYS[name];
  if (!maySet(level, key.access)) return warn(`${level}: ${name} cannot be set here, so it is ignored`);
  const current = settings.byKey.get(name);
  if (current !== undefined && LEVELS[level] < LEVELS[current.modified]) return settings;

  const value = key.type.parse(entry.value);
  if (value === undefined)
    return warn(`${level}: ${entry.key} is ${shown(key, entry.value)}, expected ${key.type.expected}; it is ignored`);
  return { ...settings, byKey: new Map(settings.byKey).set(name, { value, modified: level }) };
};

/** What the settings are after a source of this level was read. Levels may come in any order. */
export const applyEntries = (settings: Settings, entries: readonly Entry[], level: Level): Settings =>
  entries.reduce((current, entry) => applyEntry(current, entry, level), settings);

/** The values by key. The cast is the seam: every stored value came from its key's own parser or default. */
export const valuesOf = ({ byKey }: Settings): ConfigValues =>
  Object.fromEntries([...byKey].map(([name, { value }]) => [name, value])) as ConfigValues;

export const modifiedOf = ({ byKey }: Settings): Readonly<Record<ConfigKey, Level>> =>
  Object.fromEntries([...byKey].map(([name, { modified }]) => [name, modified])) as Record<ConfigKey, Level>;
