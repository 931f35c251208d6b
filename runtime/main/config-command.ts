/** `pantavisor config [KEY]`: what the daemon would be configured with, and why. */
import { type Config, loadConfig } from '../config/config.ts';
import { ConfigError } from '../config/error.ts';
import { explainedKey, explanationText } from '../config/explained.ts';
import { CONFIG_KEYS, type ConfigKey } from '../config/keys.ts';
import { nearest } from '../config/nearest.ts';
import { derivedPlaces } from '../config/places.ts';
import { keyNamed } from '../config/settings.ts';
import { configList, type ShownKey } from '../config/shown.ts';
import { configurationFile } from './run.ts';
import { listTable } from './table.ts';

export interface ConfigOptions {
  readonly config?: string;
  readonly json?: true;
}

const shownIn = ({ settings, paths, caches }: Config): readonly ShownKey[] =>
  configList(settings, derivedPlaces(paths, caches));

/** What it would be with nothing set. */
const builtIn = (): readonly ShownKey[] => shownIn(loadConfig({ env: {} }).config);

/** Of the keys for pushing from outside: why there is no listener. */
const refusalOf = (key: ConfigKey, { push }: Config): { readonly refused?: string } =>
  key.startsWith('PV_PVR_') && push !== undefined && 'refused' in push ? { refused: push.refused } : {};

const explain = (word: string, config: Config, { json }: ConfigOptions): string => {
  const shown = shownIn(config);
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
  const explained = { ...explainedKey(found, original), ...refusalOf(found.key, config) };
  return json === true ? `${JSON.stringify(explained)}\n` : explanationText(explained);
};

const list = (shown: readonly ShownKey[], { json }: ConfigOptions): string =>
  json === true
    ? `${JSON.stringify(shown)}\n`
    : `${listTable(
        shown.map((each) => ({ ...each })),
        ['key', 'value', 'modified'],
      )}\n`;

export const showConfig = (word: string | undefined, options: ConfigOptions): void => {
  const file = configurationFile(options.config);
  const { config, warnings } = loadConfig({ env: process.env, ...(file === undefined ? {} : { file }) });
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  process.stdout.write(word === undefined ? list(shownIn(config), options) : explain(word, config, options));
};
