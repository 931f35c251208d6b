/**
 * The configuration as it is now: what the daemon was started with, what the running revision brings as its OEM
 * configuration, and what user metadata and commands put on top while it runs. Taking one of those away brings back what
 * was before.
 */

import { maySet } from './config-level.ts';
import type { Entry } from './key-value-entries.ts';
import type { ConfigValues } from './keys.ts';
import { KEYS } from './keys.ts';
import { applyEntries, isSysctl, keyNamed, type Settings, valuesOf } from './settings.ts';

export interface LiveConfig {
  readonly values: ConfigValues;
  readonly settings: Settings;
  /** The value of a metadata key; undefined: it is gone. Keys that are no configuration, or may not be set so, do nothing. */
  setMetadata(key: string, value: string | undefined): void;
  /** What the revision that runs from now on brings; replaces what the one before brought. */
  setOem(entries: readonly Entry[]): void;
  /** What would be in force with this OEM configuration. */
  valuesWith(oem: readonly Entry[]): ConfigValues;
}

export interface LiveConfigOptions {
  readonly settings: Settings;
  /** After every change. */
  readonly onChange: (values: ConfigValues) => void;
  /** A value that its key does not accept. */
  readonly onWarning: (warning: string) => void;
  /** A `sysctl.a.b` key of metadata, or undefined when it is gone. Default: they have no effect. */
  readonly onSysctl?: (key: string, value: string | undefined) => void;
}

/** Metadata knows no case. undefined: it does not look like configuration. */
const entryOf = (key: string, value: string): Entry | undefined => {
  const name = keyNamed(key) ?? keyNamed(key.toLowerCase());
  if (name === undefined && !/^p[vh]_/i.test(key)) return undefined;
  return { key: name ?? key, value, from: key };
};

const isAccepted = ({ key }: Entry): boolean => {
  const name = keyNamed(key);
  return name !== undefined && maySet('metadata', KEYS[name].access);
};

export const openLiveConfig = (options: LiveConfigOptions): LiveConfig => {
  const { settings: base, onChange, onWarning, onSysctl } = options;
  /** By metadata key, in the order in which they were set: the last of equal keys wins. */
  const overrides = new Map<string, Entry>();
  let settings = base;
  let values = valuesOf(base);

  let oem: readonly Entry[] = [];
  /** What it was started with is warned about elsewhere. */
  const clean: Settings = { ...base, warnings: [] };

  const apply = (): void => {
    settings = applyEntries(applyEntries(clean, oem, 'oem config'), [...overrides.values()], 'metadata');
    values = valuesOf(settings);
    onChange(values);
  };

  return {
    get values() {
      return values;
    },
    get settings() {
      return settings;
    },
    valuesWith: (entries) => valuesOf(applyEntries(clean, entries, 'oem config')),
    setOem: (entries) => {
      if (JSON.stringify(entries) === JSON.stringify(oem)) return;
      for (const warning of applyEntries(clean, entries, 'oem config').warnings) onWarning(warning);
      oem = entries;
      apply();
    },
    setMetadata: (key, value) => {
      if (isSysctl(key)) {
        onSysctl?.(key, value);
        return;
      }
      const wasSet = overrides.delete(key);
      const entry = value === undefined ? undefined : entryOf(key, value);
      if (entry !== undefined) {
        for (const warning of applyEntries(clean, [entry], 'metadata').warnings) onWarning(warning);
        if (isAccepted(entry)) overrides.set(key, entry);
      }
      if (!wasSet && !overrides.has(key)) return;
      apply();
    },
  };
};
