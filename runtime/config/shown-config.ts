/** The configuration as clients and people are shown it. Secrets never are. */

import type { Level } from './config-level.ts';
import { CONFIG_KEYS, type ConfigKey, KEYS, type Key } from './keys.ts';
import type { Settings } from './settings.ts';

/** What is in effect where nobody set anything. */
type Derived = Readonly<Partial<Record<ConfigKey, string>>>;

export interface ShownKey {
  readonly key: ConfigKey;
  readonly value: string;
  readonly modified: Level;
}

const MASK = 'XXXX';
const UNSET = '(null)';
const MAX_LENGTH = 255;

/** The one of Pantavisor's types that a value has, or undefined. */
type Plain = string | number | boolean | undefined;

const effectiveValue = (name: ConfigKey, { byKey }: Settings, derived: Derived): unknown => {
  const setting = byKey.get(name);
  const isDerived = setting?.modified === 'default' || setting?.value === '' || setting?.value === undefined;
  return isDerived ? (derived[name] ?? setting?.value) : setting.value;
};

const isPlain = (value: unknown): value is Plain =>
  value === undefined || ['string', 'number', 'boolean'].includes(typeof value);

/** Words of an enumeration by their number. */
const legacyValue = (key: Key<unknown>, value: unknown): Plain | null => {
  if (key.type.name === 'string') return value === undefined ? null : key.secret ? MASK : String(value);
  if (key.type.numberOf !== undefined && value !== undefined) return key.type.numberOf(value);
  return isPlain(value) ? (value ?? null) : null;
};

const textOf = (key: Key<unknown>, value: unknown): string => {
  if (value === undefined) return UNSET;
  if (key.secret) return MASK;
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (key.type.name === 'outputs') return String(key.type.numberOf?.(value));
  return String(value).slice(0, MAX_LENGTH);
};

/** `GET /config`: keys by their first alias, those that have one. */
export const legacyConfig = (settings: Settings, derived: Derived): Readonly<Record<string, Plain | null>> =>
  Object.fromEntries(
    CONFIG_KEYS.flatMap((name) => {
      const key: Key<unknown> = KEYS[name]; // which of the value types it is does not matter here
      const [alias] = key.aliases;
      return alias === undefined ? [] : [[alias, legacyValue(key, effectiveValue(name, settings, derived))]];
    }),
  );

/** `GET /config2`: every key, and who set it. */
export const configList = (settings: Settings, derived: Derived): readonly ShownKey[] =>
  CONFIG_KEYS.map((name) => ({
    key: name,
    value: textOf(KEYS[name] as Key<unknown>, effectiveValue(name, settings, derived)), // as above
    modified: settings.byKey.get(name)?.modified ?? 'default',
  }));
