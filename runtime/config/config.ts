/**
 * The configuration: what the PV_ and PH_ keys say, as types, and the directories that follow from them.
 *
 * In: the environment, the configuration file, the policy and the command line, as text. Out: one frozen `Config` and
 * warnings for people. A bad entry or file never stops the daemon: it is ignored and named. Only a directory or an
 * address that cannot be worked with is an error. What comes later, with a revision or as metadata: live-config.ts.
 * It must never read anything by itself (no files, no process.env), and never write anything: sysctls are handed on.
 */

import type { Paths } from '../../resources/paths.ts';
import { BOOT_BACK_ENDS, type BootBackEnd, isBootBackEnd } from '../store/boot/boot-back-end.ts';
import type { TrustSettings } from '../trust/trust-settings.ts';
import { ConfigError } from './config-error.ts';
import type { Level } from './config-level.ts';
import { type Caches, cachesOf, placesOf } from './directories.ts';
import { DEFAULT_INIT_MODE, isAppengine } from './init-mode.ts';
import { commandLine, type Entry, environmentEntries, fileEntries } from './key-value-entries.ts';
import type { ConfigKey, ConfigValues } from './keys.ts';
import { type ListenAddress, listenAddress } from './listen-address.ts';
import { type PushConfig, pushConfigOf } from './push-config.ts';
import { applyEntries, DEFAULTS, keyNamed, modifiedOf, type Settings, valuesOf } from './settings.ts';

export interface Config {
  /** Set by whoever reads the files that the configuration names; undefined: states need not be signed. */
  readonly trust?: TrustSettings | undefined;
  readonly values: ConfigValues;
  /** The level that set each key, as `GET /config2` shows it. */
  readonly modified: Readonly<Record<ConfigKey, Level>>;
  readonly paths: Paths;
  /** Where metadata is kept: `PV_CACHE_USRMETADIR` and `PV_CACHE_DEVMETADIR`. */
  readonly caches: Caches;
  /** What `values` and `modified` were made of. */
  readonly settings: Settings;
  /** The revision that the boot loader started, `pv_rev` on the command line; counts for the init of a device only. */
  readonly booted: string;
  /** Where the boot variables are. */
  readonly bootloader: BootBackEnd;
  /** undefined: no status page. */
  readonly statusListen: ListenAddress | undefined;
  /** undefined: nothing can be pushed from outside. */
  readonly push: PushConfig | undefined;
  /** For /proc/sys, as written. */
  readonly sysctls: readonly Entry[];
}

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Content of `--config FILE`. */
  readonly file?: string;
  /** Where that came from. */
  readonly filePath?: string;
  /** Words such as `pv_log.level=4` or `pv_appengine`: `--cmdline`, or the kernel's. */
  readonly cmdline?: string;
  /** Content of a policy file, or why there is none; default: there are no policies. */
  readonly readPolicy?: (path: string) => TextFile;
}

/** A file's text, or why it has none that could be read. */
export type TextFile = { readonly text: string } | { readonly problem: string };

export interface LoadedConfig {
  readonly config: Config;
  /** One sentence per entry that was ignored. */
  readonly warnings: readonly string[];
}

/**
 * Defaults in appengine mode, which is the mode unless another is set: those that Pantavisor's appengine image ships as its
 * pantavisor.config, without its PV_UPDATER_GOALS_TIMEOUT of 10 s, which is tuned to test containers and would roll back
 * real ones on a busy machine. The kernel is not the device's alone here, nor are its messages.
 */
const APPENGINE: readonly Entry[] = Object.entries({
  PV_SYSTEM_INIT_MODE: DEFAULT_INIT_MODE,
  PV_WDT_MODE: 'disabled',
  PV_SECUREBOOT_MODE: 'disabled',
  PV_CONTROL_REMOTE: '0',
  PV_LOG_CAPTURE_DMESG: '0',
  PV_UPDATER_COMMIT_DELAY: '5',
}).map(([key, value]) => ({ key, value }));

/** What nobody sets on a device: there the mode is set. No hub is asked for, as above. */
const INIT: readonly Entry[] = Object.entries({
  PV_CONTROL_REMOTE: '0',
}).map(([key, value]) => ({ key, value }));

type Named = readonly (readonly Entry[])[];

/** Of the sources in this order, whoever names one first. */
const policyNameIn = (sources: Named): string | undefined => {
  const named = (entries: readonly Entry[]): string | undefined =>
    entries.findLast(({ key, value }) => keyNamed(key) === 'PV_POLICY' && value !== '')?.value;
  const name = sources.map(named).find((each) => each !== undefined);
  return name?.includes('/') === true ? undefined : name;
};

/**
 * The policy is settings like any other. One that is named and cannot be read is told and passed over: a device that
 * does not start can be mended by nobody.
 */
const withPolicy = (settings: Settings, named: Named, readPolicy: ConfigSources['readPolicy']): Settings => {
  const name = policyNameIn(named);
  if (name === undefined || readPolicy === undefined) return settings;
  const path = `${valuesOf(settings).PV_SYSTEM_ETCPANTAVISORDIR}/policies/${name}.config`;
  const file = readPolicy(path);
  if ('text' in file) return applyEntries(settings, fileEntries(file.text, path), 'policy');
  return {
    ...settings,
    warnings: [...settings.warnings, `policy ${JSON.stringify(name)} has no effect: ${file.problem}`],
  };
};

const settingsFrom = (
  { env, file, filePath, cmdline, readPolicy }: ConfigSources,
  defaults: readonly Entry[],
): Settings => {
  const [inFile, inEnvironment] = [fileEntries(file ?? '', filePath), environmentEntries(env)];
  const { pv, ph, args } = commandLine(cmdline ?? '');
  const builtIn = applyEntries(DEFAULTS, defaults, 'default');
  const withFile = applyEntries(builtIn, inFile, 'pv conf file');
  const withWords = applyEntries(applyEntries(withFile, pv, 'pv cmdline'), ph, 'ph cmdline');
  const withEnv = applyEntries(withWords, inEnvironment, 'env');
  // Its level is what counts, not that it comes after the others.
  const all = withPolicy(withEnv, [pv, inEnvironment, inFile], readPolicy);
  // Words without a value have the lowest number but are set last and unconditionally.
  return args.length === 0 ? all : overrule(all, args);
};

const overrule = (settings: Settings, words: readonly Entry[]): Settings => {
  const byKey = new Map(settings.byKey);
  const forced = applyEntries(DEFAULTS, words, 'args');
  for (const [key, setting] of forced.byKey) if (setting.modified === 'args') byKey.set(key, setting);
  return { ...settings, byKey, attempts: [...settings.attempts, ...forced.attempts] };
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

const bootedRevisionIn = ({ env, cmdline = '' }: ConfigSources): string =>
  env['pv_rev'] ?? /(?:^| )pv_rev=(\S+)/.exec(cmdline)?.[1] ?? '0';

/** The mode comes with the settings, and with it what is set when nobody sets it. */
const settingsOf = (sources: ConfigSources): Settings => {
  const settings = settingsFrom(sources, APPENGINE);
  return isAppengine(valuesOf(settings).PV_SYSTEM_INIT_MODE) ? settings : settingsFrom(sources, INIT);
};

/** @throws ConfigError when the daemon cannot be run with what is set. */
export const loadConfig = (sources: ConfigSources): LoadedConfig => {
  const settings = settingsOf(sources);
  const values = valuesOf(settings);
  const modified = modifiedOf(settings);
  const listen = values.PV_STATUS_LISTEN;
  const config: Config = {
    values,
    modified,
    paths: placesOf(values, modified),
    caches: cachesOf(values, modified),
    settings,
    bootloader: bootBackEndOf(values, modified),
    booted: bootedRevisionIn(sources),
    statusListen: listen === undefined || listen === '' ? undefined : listenAddress(listen),
    push: pushConfigOf(values),
    sysctls: settings.sysctls,
  };
  return { config, warnings: settings.warnings };
};
