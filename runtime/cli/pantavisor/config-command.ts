/** `pantavisor config [KEY]`: what the daemon would be configured with, and why. */

import { nearest } from '../../../resources/nearest.ts';
import { STATE_LIMITS } from '../../../resources/state-format/state-limits.ts';
import { type Config, loadConfig } from '../../config/config.ts';
import { ConfigError } from '../../config/config-error.ts';
import { derivedPlaces } from '../../config/directories.ts';
import { explainedKey, explanationText } from '../../config/explained-key.ts';
import { CONFIG_KEYS, type ConfigKey } from '../../config/keys.ts';
import { type LiveConfig, openLiveConfig } from '../../config/live-config.ts';
import { keyNamed, type Settings } from '../../config/settings.ts';
import { configList, type ShownKey } from '../../config/shown-config.ts';
import { oemOf } from '../../device/oem.ts';
import { DeviceError } from '../../host/host.ts';
import { linuxFiles } from '../../host/linux/files/linux-files.ts';
import { MAX_VALUE_BYTES } from '../../metadata/metadata.ts';
import { findSources, type SourceOptions } from '../../platform/config-sources.ts';
import { listTable } from '../shared/table.ts';
import { readTextFile } from '../shared/text-file.ts';

export interface ConfigOptions extends SourceOptions {
  readonly json?: true;
}

/** What a daemon shows. */
interface Whole {
  readonly settings: Settings;
  readonly shown: readonly ShownKey[];
  readonly push: Config['push'];
}

const wholeOf = ({ paths, caches, push }: Config, settings: Settings): Whole => ({
  push,
  settings,
  shown: configList(settings, derivedPlaces(paths, caches)),
});

/** What it would be with nothing set. */
const builtIn = (): readonly ShownKey[] => {
  const { config } = loadConfig({ env: {} });
  return wholeOf(config, config.settings).shown;
};

/** What a daemon on this storage takes up besides: of the running revision, and of user metadata. @throws DeviceError */
const takeUp = async (live: LiveConfig, { paths, caches }: Config, warn: (warning: string) => void): Promise<void> => {
  const onProblem = (subject: string, message: string): void => warn(`${subject}: ${message}`);
  const document = await linuxFiles.read(`${paths.storage}/trails/current/.pvr/json`, STATE_LIMITS.documentBytes);
  if (document !== undefined) live.setOem(await oemOf({ live, files: linuxFiles, paths, onProblem }).read(document));
  for (const key of (await linuxFiles.list(caches.user)) ?? []) {
    const file = readTextFile(`${caches.user}/${key}`, MAX_VALUE_BYTES);
    if ('text' in file) live.setMetadata(key, file.text);
  }
};

const asDaemon = async (config: Config, warn: (warning: string) => void): Promise<Settings> => {
  const live = openLiveConfig({ settings: config.settings, onChange: () => undefined, onWarning: warn });
  try {
    await takeUp(live, config, warn);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    warn(`without what the storage brings: ${error.message}`);
  }
  return live.settings;
};

/** Of the keys for pushing from outside: why there is no listener. */
const refusalOf = (key: ConfigKey, push: Config['push']): { readonly refused?: string } =>
  key.startsWith('PV_PVR_') && push !== undefined && 'refused' in push ? { refused: push.refused } : {};

const explain = (word: string, { shown, settings, push }: Whole, { json }: ConfigOptions): string => {
  const name = keyNamed(word);
  const found = shown.find(({ key }) => key === name);
  const original = builtIn().find(({ key }) => key === name);
  if (found === undefined || original === undefined) {
    const meant = nearest(word.toUpperCase(), CONFIG_KEYS);
    throw new ConfigError(
      `${word} is no configuration key${meant === undefined ? '' : `; did you mean ${meant}?`} ` +
        '`pantavisor config` lists them all',
    );
  }
  const explained = { ...explainedKey(found, original, settings), ...refusalOf(found.key, push) };
  return json === true ? `${JSON.stringify(explained)}\n` : explanationText(explained);
};

const list = ({ shown }: Whole, { json }: ConfigOptions): string =>
  json === true
    ? `${JSON.stringify(shown)}\n`
    : `${listTable(
        shown.map((each) => ({ ...each })),
        ['key', 'value', 'modified'],
      )}\n`;

export const showConfig = async (word: string | undefined, options: ConfigOptions): Promise<void> => {
  const { sources, warnings: unread } = findSources(options);
  const { config, warnings } = loadConfig(sources);
  const warn = (warning: string): void => void process.stderr.write(`${warning}\n`);
  for (const warning of [...unread, ...warnings]) warn(warning);
  const whole = wholeOf(config, await asDaemon(config, warn));
  process.stdout.write(word === undefined ? list(whole, options) : explain(word, whole, options));
};
