/**
 * The configuration: what the PV_ and PH_ keys say, as types, and the directories that follow from them.
 *
 * In: the environment, the configuration file and command-line words, as text. Out: one frozen `Config` and
 * warnings for people. A bad entry never stops the daemon: it is ignored and named. Only a directory or an address
 * that cannot be worked with is an error.
 * It must never read anything by itself (no files, no process.env), and never write anything: sysctls are handed on.
 */
import type { Paths } from '../../resources/paths.ts';
import { BOOT_BACK_ENDS, type BootBackEnd, isBootBackEnd } from '../store/boot-back-end.ts';
import { argumentEntries, type Entry, environmentEntries, fileEntries } from './entries.ts';
import { ConfigError } from './error.ts';
import type { ConfigKey, ConfigValues } from './keys.ts';
import type { Level } from './level.ts';
import { type ListenAddress, listenAddress } from './listen.ts';
import { type Caches, cachesOf, placesOf } from './places.ts';
import { type PushConfig, pushConfigOf } from './push.ts';
import { applyEntries, DEFAULTS, modifiedOf, type Settings, valuesOf } from './settings.ts';

export interface Config {
  readonly values: ConfigValues;
  /** The level that set each key, as `GET /config2` shows it. */
  readonly modified: Readonly<Record<ConfigKey, Level>>;
  readonly paths: Paths;
  /** Where metadata is kept: `PV_CACHE_USRMETADIR` and `PV_CACHE_DEVMETADIR`. */
  readonly caches: Caches;
  /** What `values` and `modified` were made of. */
  readonly settings: Settings;
  /** Where the boot variables are. */
  readonly bootloader: BootBackEnd;
  /** undefined: no status page. */
  readonly statusListen: ListenAddress | undefined;
  /** undefined: nothing can be pushed from outside. */
  readonly push: PushConfig | undefined;
  /** For /proc/sys, as written (config.md §4). */
  readonly sysctls: readonly Entry[];
}

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Content of `--config FILE`. */
  readonly file?: string;
  /** Words such as `pv_appengine`. */
  readonly args?: readonly string[];
}

export interface LoadedConfig {
  readonly config: Config;
  /** One sentence per entry that was ignored. */
  readonly warnings: readonly string[];
}

/**
 * The daemon is no init yet, so appengine is what it is unless told otherwise; and what the appengine image ships
 * as its pantavisor.config holds (config.md §7), without its PV_UPDATER_GOALS_TIMEOUT of 10 s: that is tuned to
 * test containers, and would roll back real ones on a busy machine.
 */
const APPENGINE: readonly Entry[] = Object.entries({
  PV_SYSTEM_INIT_MODE: 'appengine',
  PV_WDT_MODE: 'disabled',
  PV_SECUREBOOT_MODE: 'disabled',
  PV_CONTROL_REMOTE: '0',
  PV_UPDATER_COMMIT_DELAY: '5',
}).map(([key, value]) => ({ key, value }));

const settingsFrom = ({ env, file, args }: ConfigSources): Settings => {
  const builtIn = applyEntries(DEFAULTS, APPENGINE, 'default');
  const withFile = applyEntries(builtIn, fileEntries(file ?? ''), 'pv conf file');
  const withEnv = applyEntries(withFile, environmentEntries(env), 'env');
  // Arguments have the lowest number but are set last and unconditionally (config.md §1).
  const words = argumentEntries(args ?? []);
  return words.length === 0 ? withEnv : overrule(withEnv, words);
};

const overrule = (settings: Settings, words: readonly Entry[]): Settings => {
  const byKey = new Map(settings.byKey);
  const forced = applyEntries(DEFAULTS, words, 'args');
  for (const [key, setting] of forced.byKey) if (setting.modified === 'args') byKey.set(key, setting);
  return { ...settings, byKey };
};

/** Appengine mode has a directory and no partitions. @throws ConfigError */
const bootBackEndOf = (values: ConfigValues, modified: Config['modified']): BootBackEnd => {
  const { PV_BOOTLOADER_TYPE: type, PV_BOOTLOADER_MTD_ONLY: isMtdOnly } = values;
  if (!isBootBackEnd(type))
    throw new ConfigError(
      `PV_BOOTLOADER_TYPE is "${type}" (from ${modified.PV_BOOTLOADER_TYPE}), which needs partitions that appengine ` +
        `mode has not got; set it to one of ${BOOT_BACK_ENDS.join(', ')}, or leave it out`,
    );
  if (isMtdOnly)
    throw new ConfigError(
      `PV_BOOTLOADER_MTD_ONLY is set (from ${modified.PV_BOOTLOADER_MTD_ONLY}), but appengine mode has no MTD ` +
        'partition; leave it out to keep the boot variables in a file of the storage',
    );
  return type;
};

/** @throws ConfigError when the daemon cannot be run with what is set. */
export const loadConfig = (sources: ConfigSources): LoadedConfig => {
  const settings = settingsFrom(sources);
  const values = valuesOf(settings);
  const modified = modifiedOf(settings);
  const mode = values.PV_SYSTEM_INIT_MODE;
  if (mode !== 'appengine')
    throw new ConfigError(
      `PV_SYSTEM_INIT_MODE is "${mode}" (from ${modified.PV_SYSTEM_INIT_MODE}), which is not supported yet; ` +
        'set PV_SYSTEM_INIT_MODE=appengine to run beside the init of this machine',
    );
  const listen = values.PV_STATUS_LISTEN;
  const config: Config = {
    values,
    modified,
    paths: placesOf(values, modified),
    caches: cachesOf(values, modified),
    settings,
    bootloader: bootBackEndOf(values, modified),
    statusListen: listen === undefined || listen === '' ? undefined : listenAddress(listen),
    push: pushConfigOf(values),
    sysctls: settings.sysctls,
  };
  return { config, warnings: settings.warnings };
};
