import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../runtime/config/config.ts';
import { explainedKey, explanationText } from '../../../runtime/config/explained.ts';
import { CONFIG_KEYS } from '../../../runtime/config/keys.ts';
import { openLiveConfig } from '../../../runtime/config/live.ts';
import { derivedPlaces } from '../../../runtime/config/places.ts';
import { configList, legacyConfig, type ShownKey } from '../../../runtime/config/shown.ts';

const shownWith = (env: Record<string, string> = {}, file = '') => {
  const { settings, paths, caches } = loadConfig({ env, file }).config;
  const derived = derivedPlaces(paths, caches);
  return { legacy: legacyConfig(settings, derived), list: configList(settings, derived) };
};
const keyOf = (list: readonly ShownKey[], name: string) => list.find(({ key }) => key === name);

describe('the list of /config2', () => {
  it('has every key, in the order of the table, and says who set it', () => {
    const { list } = shownWith({ PV_LOG_LEVEL: '4' }, 'PV_LXC_LOG_LEVEL=3');
    expect(list.map(({ key }) => key)).toEqual(CONFIG_KEYS);
    expect(keyOf(list, 'PV_LOG_LEVEL')).toEqual({ key: 'PV_LOG_LEVEL', value: '4', modified: 'env' });
    expect(keyOf(list, 'PV_LXC_LOG_LEVEL')).toEqual({ key: 'PV_LXC_LOG_LEVEL', value: '3', modified: 'pv conf file' });
    expect(keyOf(list, 'PV_WDT_TIMEOUT')).toEqual({ key: 'PV_WDT_TIMEOUT', value: '15', modified: 'default' });
  });

  it.each<[string, Record<string, string>, string]>([
    ['PV_CONTROL_REMOTE', {}, '0'],
    ['PV_LOG_CAPTURE', {}, '1'],
    ['PV_SYSTEM_INIT_MODE', {}, 'appengine'],
    ['PV_POWER_MODE', {}, 'locks'],
    ['PV_LOG_SERVER_OUTPUTS', {}, '132'],
    ['PV_LOG_SERVER_OUTPUTS', { PV_LOG_SERVER_OUTPUTS: 'stdout,nullsink' }, '137'],
    ['PV_POWER_WAKE_INTERVAL', { PV_POWER_WAKE_INTERVAL: '2h' }, '7200'],
    ['PV_OEM_NAME', {}, '(null)'],
    ['PV_OEM_NAME', { PV_OEM_NAME: 'x'.repeat(300) }, 'x'.repeat(255)],
    ['PH_CREDS_SECRET', {}, '(null)'],
    ['PH_CREDS_SECRET', { PH_CREDS_SECRET: 'hunter2' }, 'XXXX'],
    ['PV_SYSTEM_RUNDIR', {}, '/run/pantavisor/pv'],
    ['PV_LOG_DIR', { PV_STORAGE_MNTPOINT: '/srv/pv' }, '/srv/pv/logs'],
    ['PV_LOG_DIR', { PV_LOG_DIR: '/var/log/pv' }, '/var/log/pv'],
    ['PV_CACHE_USRMETADIR', { PV_STORAGE_MNTPOINT: '/srv/pv' }, '/srv/pv/cache/meta'],
  ])('%s with %j is %s', (key, env, value) => {
    expect(keyOf(shownWith(env).list, key)?.value).toBe(value);
  });
});

describe('the object of /config', () => {
  it('has the first alias of each key that has one', () => {
    const { legacy } = shownWith();
    expect(Object.keys(legacy).slice(0, 3)).toEqual(['creds.host', 'creds.id', 'creds.port']);
    expect(legacy).not.toHaveProperty(['meta.cache.dir']);
    expect(legacy).not.toHaveProperty(['PV_OEM_NAME']);
  });

  it.each<[string, Record<string, string>, unknown]>([
    ['creds.host', {}, 'api.pantahub.com'],
    ['creds.id', {}, null],
    ['creds.port', {}, 443],
    ['creds.secret', { PH_CREDS_SECRET: 'hunter2' }, 'XXXX'],
    ['bootloader.mtd_only', {}, false],
    ['bootloader.type', { PV_BOOTLOADER_TYPE: 'grub' }, 2],
    ['system.init.mode', {}, 2],
    ['secureboot.mode', {}, 0],
    ['log.server.outputs', {}, 132],
    ['power.wake.interval', {}, 3600],
  ])('%s with %j is %j', (alias, env, value) => {
    expect(shownWith(env).legacy[alias]).toBe(value);
  });
});

describe('user metadata', () => {
  const live = (env: Record<string, string> = {}) => {
    const log: string[] = [];
    const config = openLiveConfig({
      settings: loadConfig({ env }).config.settings,
      onChange: ({ PV_LOG_LEVEL }) => log.push(`log level ${PV_LOG_LEVEL}`),
      onWarning: (warning) => log.push(warning),
    });
    return { config, log };
  };
  const levelOf = ({ settings }: ReturnType<typeof live>['config']) => settings.byKey.get('PV_LOG_LEVEL');

  it.each(['PV_LOG_LEVEL', 'pv_log_level', 'log.level', 'LOG.Level'])(
    '%s overrides, and gives back when it goes',
    (key) => {
      const { config, log } = live({ PV_LOG_LEVEL: '1' });
      config.setMetadata(key, '5');
      expect(levelOf(config)).toEqual({ value: 5, modified: 'metadata' });
      config.setMetadata(key, undefined);
      expect(levelOf(config)).toEqual({ value: 1, modified: 'env' });
      expect(log).toEqual(['log level 5', 'log level 1']);
    },
  );

  it('lets the last of two names for a key win', () => {
    const { config } = live();
    config.setMetadata('log.level', '2');
    config.setMetadata('PV_LOG_LEVEL', '4');
    expect(config.values.PV_LOG_LEVEL).toBe(4);
    config.setMetadata('log.level', '3');
    expect(config.values.PV_LOG_LEVEL).toBe(3);
    config.setMetadata('log.level', undefined);
    expect(config.values.PV_LOG_LEVEL).toBe(4);
  });

  it.each([
    ['is no configuration', 'web.colour'],
    ['may not be set so', 'PV_SYSTEM_RUNDIR'],
    ['is a sysctl', 'sysctl.kernel.panic'],
    ['every object has', '__proto__'],
  ])('that %s changes nothing', (_name, key) => {
    const { config, log } = live();
    const before = config.settings;
    config.setMetadata(key, '1');
    config.setMetadata(key, undefined);
    expect([config.settings, log]).toEqual([before, []]);
  });

  it('with a value that makes no sense is told and has no effect', () => {
    const { config, log } = live();
    config.setMetadata('PV_LOG_LEVEL', 'loud');
    expect(config.values.PV_LOG_LEVEL).toBe(0);
    expect(log[0]).toBe('metadata: PV_LOG_LEVEL is "loud", expected a decimal number; it is ignored');
  });
});

it('a key is explained', () => {
  const [{ list }, original] = [shownWith({ PV_LOG_LEVEL: '4' }), shownWith()];
  const shown = keyOf(list, 'PV_LOG_LEVEL');
  const builtIn = keyOf(original.list, 'PV_LOG_LEVEL');
  if (shown === undefined || builtIn === undefined) throw new Error('no such key');
  expect(explanationText(explainedKey(shown, builtIn))).toBe(
    [
      'PV_LOG_LEVEL',
      '  value       4',
      '  from        set by the environment',
      '  default     0',
      '  expected    a decimal number',
      '  set by      pv conf file < policy < oem config < pv cmdline < env < metadata',
      '  also called log.level',
      '',
    ].join('\n'),
  );
});
