import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../runtime/config/config.ts';
import { derivedPlaces } from '../../../runtime/config/directories.ts';
import { explainedKey, explanationText } from '../../../runtime/config/explained-key.ts';
import { fileEntries } from '../../../runtime/config/key-value-entries.ts';
import { CONFIG_KEYS } from '../../../runtime/config/keys.ts';
import { openLiveConfig } from '../../../runtime/config/live-config.ts';
import { configList, legacyConfig, type ShownKey } from '../../../runtime/config/shown-config.ts';

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
      expect(levelOf(config)).toMatchObject({ value: 5, modified: 'metadata' });
      config.setMetadata(key, undefined);
      expect(levelOf(config)).toMatchObject({ value: 1, modified: 'env' });
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
    ['is a sysctl', 'sysctl.kernel.panic'],
    ['every object has', '__proto__'],
  ])('that %s changes nothing', (_name, key) => {
    const { config, log } = live();
    const before = config.settings;
    config.setMetadata(key, '1');
    config.setMetadata(key, undefined);
    expect([config.settings, log]).toEqual([before, []]);
  });

  it.each([
    ['may not be set so', 'PV_SYSTEM_RUNDIR', 'metadata: PV_SYSTEM_RUNDIR cannot be set here, so it is ignored'],
    [
      'is mistyped',
      'pv_log_levle',
      'metadata: pv_log_levle is no configuration key, so it is ignored; did you mean PV_LOG_LEVEL?',
    ],
  ])('that %s changes nothing, and is told', (_name, key, warning) => {
    const { config, log } = live();
    const before = config.settings;
    config.setMetadata(key, '1');
    config.setMetadata(key, undefined);
    expect([config.settings, log]).toEqual([before, [warning]]);
  });

  it('of a sysctl is handed on, and that it is gone', () => {
    const told: unknown[] = [];
    const config = openLiveConfig({
      settings: loadConfig({ env: {} }).config.settings,
      onChange: () => undefined,
      onWarning: () => undefined,
      onSysctl: (...change) => told.push(change),
    });
    config.setMetadata('sysctl.vm.swappiness', '10');
    config.setMetadata('sysctl.vm.swappiness', undefined);
    expect(told).toEqual([
      ['sysctl.vm.swappiness', '10'],
      ['sysctl.vm.swappiness', undefined],
    ]);
  });

  it('with a value that makes no sense is told and has no effect', () => {
    const { config, log } = live();
    config.setMetadata('PV_LOG_LEVEL', 'loud');
    expect(config.values.PV_LOG_LEVEL).toBe(0);
    expect(log[0]).toBe('metadata: PV_LOG_LEVEL is "loud", expected a decimal number; it is ignored');
  });
});

describe('the OEM configuration of a revision', () => {
  const oem = (text: string) => fileEntries(text, 'acme/default.config');
  const live = (env: Record<string, string> = {}) => {
    const warnings: string[] = [];
    const config = openLiveConfig({
      settings: loadConfig({ env, file: 'PV_LOG_LEVEL=1\n' }).config.settings,
      onChange: () => undefined,
      onWarning: (warning) => warnings.push(warning),
    });
    const shown = (key: 'PV_LOG_LEVEL') => {
      const { value, modified } = config.settings.byKey.get(key) ?? {};
      return [value, modified];
    };
    return { config, warnings, shown };
  };

  it('beats the file, gives way to metadata, and goes with its revision', () => {
    const { config, shown } = live();
    config.setOem(oem('log.level=2'));
    expect(shown('PV_LOG_LEVEL')).toEqual([2, 'oem config']);
    config.setMetadata('PV_LOG_LEVEL', '5');
    expect(shown('PV_LOG_LEVEL')).toEqual([5, 'metadata']);
    config.setOem([]);
    config.setMetadata('PV_LOG_LEVEL', undefined);
    expect(shown('PV_LOG_LEVEL')).toEqual([1, 'pv conf file']);
  });

  it('is overruled by the environment', () => {
    const { config, shown } = live({ PV_LOG_LEVEL: '4' });
    config.setOem(oem('log.level=2'));
    expect(shown('PV_LOG_LEVEL')).toEqual([4, 'env']);
  });

  it('may not set everything, which is told once', () => {
    const { config, warnings } = live();
    config.setOem(oem('PV_SYSTEM_RUNDIR=/x'));
    config.setOem(oem('PV_SYSTEM_RUNDIR=/x'));
    expect(warnings).toEqual([
      'oem config, acme/default.config:1: PV_SYSTEM_RUNDIR cannot be set here, so it is ignored',
    ]);
  });

  it('can be looked at before it is in force', () => {
    const { config, shown } = live();
    expect(config.valuesWith(oem('PV_UPDATER_GOALS_TIMEOUT=7')).PV_UPDATER_GOALS_TIMEOUT).toBe(7);
    expect([config.values.PV_UPDATER_GOALS_TIMEOUT, shown('PV_LOG_LEVEL')]).toEqual([120, [1, 'pv conf file']]);
  });
});

it('a key is explained, with everybody who set it', () => {
  const { settings } = loadConfig({
    env: { PV_LOG_LEVEL: '4', 'PV_log.level': 'loud' },
    file: '\nlog.level=2\n',
    filePath: '/etc/pantavisor.config',
    cmdline: 'pv_log.level=3',
  }).config;
  const keyIn = (list: readonly ShownKey[]): ShownKey => {
    const found = keyOf(list, 'PV_LOG_LEVEL');
    if (found === undefined) throw new Error('no such key');
    return found;
  };
  const explained = explainedKey(keyIn(configList(settings, {})), keyIn(shownWith().list), settings);
  expect(explanationText(explained)).toBe(
    [
      'PV_LOG_LEVEL',
      '  value       4',
      '  from        set by the environment: PV_LOG_LEVEL',
      '  default     0',
      '  expected    a decimal number',
      '  set by      pv conf file < policy < oem config < pv cmdline < env < metadata',
      '  also called log.level',
      '  also set    "2" by pv conf file (/etc/pantavisor.config:2), overruled',
      '  also set    "3" by pv cmdline (pv_log.level=3), overruled',
      '  also set    "loud" by env (PV_log.level), refused: PV_log.level is "loud", expected a decimal number; it is ignored',
      '',
    ].join('\n'),
  );
});
