/**
 * The configuration as it is now: what the daemon was started with, and what user metadata and commands put on top while
 * it runs. Taking one of those away brings back what was before (config.md §1).
 */
import type { Entry } from './entries.ts';
import type { ConfigValues } from './keys.ts';
import { KEYS } from './keys.ts';
import { maySet } from './level.ts';
import { applyEntries, keyNamed, type Settings, valuesOf } from './settings.ts';

export interface LiveConfig {
  readonly values: ConfigValues;
  readonly settings: Settings;
  /** The value of a metadata key; undefined: it is gone. Keys that are no configuration, or may not be set so, do nothing. */
  setMetadata(key: string, value: string | undefined): void;
}

export interface LiveConfigOptions {
  readonly settings: Settings;
  /** After every change. */
  readonly onChange: (values: ConfigValues) => void;
  /** A value that its key does not accept. */
  readonly onWarning: (warning: string) => void;
}

/** Metadata knows no case. */
const entryOf = (key: string, value: string): Entry | undefined => {
  const name = keyNamed(key) ?? keyNamed(key.toLowerCase());
  return name !== undefined && maySet('metadata', KEYS[name].access) ? { key: name, value } : undefined;
};

export const openLiveConfig = ({ settings: base, onChange, onWarning }: LiveConfigOptions): LiveConfig => {
  /** By metadata key, in the order in which they were set: the last of equal keys wins. */
  const overrides = new Map<string, Entry>();
  let settings = base;
  let values = valuesOf(base);

  const apply = (): void => {
    settings = applyEntries({ ...base, warnings: [] }, [...overrides.values()], 'metadata');
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
    setMetadata: (key, value) => {
      const entry = value === undefined ? undefined : entryOf(key, value);
      if (!overrides.delete(key) && entry === undefined) return;
      if (entry !== undefined) {
        for (const warning of applyEntries({ ...base, warnings: [] }, [entry], 'metadata').warnings) onWarning(warning);
        overrides.set(key, entry);
      }
      apply();
    },
  };
};
