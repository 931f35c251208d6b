import { describe, expect, it } from 'vitest';
import { type ConfigSources, loadConfig } from '../../../runtime/config/config.ts';
import { ConfigError } from '../../../runtime/config/config-error.ts';
import type { ConfigKey } from '../../../runtime/config/keys.ts';

const valueFrom = (name: ConfigKey, sources: Partial<ConfigSources>): unknown =>
  loadConfig({ env: {}, ...sources }).config.values[name];
const warningsOf = (env: Record<string, string>): readonly string[] => loadConfig({ env }).warnings;

describe('values', () => {
  it.each<[string, ConfigKey, Partial<ConfigSources>, unknown]>([
    ['have the built-in default', 'PV_LOG_LEVEL', {}, 0],
    ['come from the environment', 'PV_LOG_LEVEL', { env: { PV_LOG_LEVEL: '4' } }, 4],
    ['are found by key in any case', 'PV_LOG_LEVEL', { env: { pv_log_Level: '4' } }, 4],
    ['are found by alias in a file', 'PV_LOG_LEVEL', { file: 'log.level=5\n' }, 5],
    ['are found by alias after the prefix', 'PV_LOG_LEVEL', { env: { 'PV_log.level': '3' } }, 3],
    [
      'take the misspelt full name as alias',
      'PV_SECUREBOOT_OEM_TRUSTSTORE',
      { env: { PV_SECUREBOOT_OEM_TRUSTORE: 'x' } },
      'x',
    ],
    [
      'of the environment beat those of the file',
      'PV_LOG_LEVEL',
      { env: { PV_LOG_LEVEL: '1' }, file: 'PV_LOG_LEVEL=2' },
      1,
    ],
    ['of a later line beat those of an earlier one', 'PV_LOG_LEVEL', { file: 'PV_LOG_LEVEL=1\nlog.level=2\n' }, 2],
    ['keep what stands after the first equals sign', 'PV_OEM_NAME', { file: 'PV_OEM_NAME=a=b ' }, 'a=b'],
    ['lose exactly one trailing blank', 'PV_OEM_NAME', { file: 'PV_OEM_NAME=a  ' }, 'a '],
    ['may be an empty number', 'PV_LOG_LEVEL', { file: 'PV_LOG_LEVEL=' }, 0],
    ['may be a duration with a unit', 'PV_POWER_WAKE_INTERVAL', { env: { PV_POWER_WAKE_INTERVAL: '2h' } }, 7200],
    ['may be a word for a boolean', 'PV_LOG_CAPTURE', { env: { PV_LOG_CAPTURE: 'OFF' } }, false],
    ['may be any number for a boolean', 'PV_DEBUG_SSH', { env: { PV_DEBUG_SSH: '7' } }, true],
    [
      'may list log outputs',
      'PV_LOG_SERVER_OUTPUTS',
      { env: { PV_LOG_SERVER_OUTPUTS: 'stdout,filetree' } },
      ['stdout', 'filetree'],
    ],
    [
      'of arguments beat everything',
      'PV_SYSTEM_INIT_MODE',
      { env: { PV_SYSTEM_INIT_MODE: 'embedded' }, cmdline: 'ro pv_appengine quiet' },
      'appengine',
    ],
    ['in appengine mode are those of its file', 'PV_UPDATER_COMMIT_DELAY', {}, 5],
    ['in appengine mode leave the goals their time', 'PV_UPDATER_GOALS_TIMEOUT', {}, 120],
    ['without default are undefined', 'PV_OEM_NAME', {}, undefined],
  ])('%s', (_name, key, sources, expected) => {
    expect(valueFrom(key, sources)).toEqual(expected);
  });

  it('remember who set them', () => {
    const { modified } = loadConfig({ env: { PV_LOG_LEVEL: '1' }, file: 'PV_LOG_CAPTURE=0\n' }).config;
    expect([modified.PV_LOG_LEVEL, modified.PV_LOG_CAPTURE, modified.PV_WDT_MODE]).toEqual([
      'env',
      'pv conf file',
      'default',
    ]);
  });
});

describe('a bad entry is ignored and named', () => {
  it.each<[string, Record<string, string>, string]>([
    [
      'an unknown key with the nearest one',
      { PV_UPDATER_COMIT_DELAY: '1' },
      'env: PV_UPDATER_COMIT_DELAY is no configuration key, so it is ignored; did you mean PV_UPDATER_COMMIT_DELAY?',
    ],
    ['an unknown key that resembles none', { PV_ZZZ: '1' }, 'env: PV_ZZZ is no configuration key, so it is ignored'],
    [
      'a word for a number',
      { PV_LOG_LEVEL: 'high' },
      'env: PV_LOG_LEVEL is "high", expected a decimal number; it is ignored',
    ],
    [
      'an unknown word',
      { PV_WDT_MODE: 'Always' },
      'env: PV_WDT_MODE is "Always", expected one of disabled, shutdown, startup, always; it is ignored',
    ],
    [
      'a duration of nothing',
      { PV_POWER_WAKE_INTERVAL: '0' },
      'env: PV_POWER_WAKE_INTERVAL is "0", expected a duration above 0 such as 90, 90s, 5min, 2h or 1d; it is ignored',
    ],
    [
      'a number beyond all sense',
      { PV_LOG_LEVEL: '9'.repeat(30) },
      `env: PV_LOG_LEVEL is "${'9'.repeat(30)}", expected a decimal number; it is ignored`,
    ],
    [
      'a name that every object has',
      { PV___PROTO__: '1' },
      'env: PV___PROTO__ is no configuration key, so it is ignored',
    ],
  ])('%s', (_name, env, warning) => {
    expect(warningsOf(env)).toEqual([warning]);
  });

  it('and does not hide a good one of a lower level', () => {
    expect(valueFrom('PV_LOG_LEVEL', { env: { PV_LOG_LEVEL: 'x' }, file: 'PV_LOG_LEVEL=2' })).toBe(2);
  });

  it('without showing a secret', () => {
    const [warning] = loadConfig({ env: {}, file: 'PH_CREDS_SECRET=hunter2' }).warnings;
    expect(warning).toBe('pv conf file: PH_CREDS_SECRET cannot be set here, so it is ignored');
  });

  it('while sysctls are handed on', () => {
    const { config, warnings } = loadConfig({ env: { PV_SYSCTL_KERNEL_PANIC: '1' }, file: 'sysctl.vm.swappiness=10' });
    expect(warnings).toEqual([]);
    expect(config.sysctls.map(({ key }) => key)).toEqual(['sysctl.vm.swappiness', 'PV_SYSCTL_KERNEL_PANIC']);
  });
});

describe('paths', () => {
  it('follow from storage and run directory alone', () => {
    const { paths } = loadConfig({ env: { PV_STORAGE_MNTPOINT: '/srv/a/', PV_SYSTEM_RUNDIR: '/run//a' } }).config;
    expect(paths).toEqual({
      storage: '/srv/a',
      run: '/run/a',
      logs: '/srv/a/logs',
      volumes: '/run/a/volumes',
      config: '/run/a/configs',
      media: '/run/a/media',
      watch: '/srv/a/incoming',
      lxc: '/run/a/lxc',
    });
  });

  it('are taken as set', () => {
    const env = {
      PV_LOG_DIR: '/l',
      PV_DISK_VOLDIR: '/v',
      PV_SYSTEM_CONFDIR: '/c',
      PV_SYSTEM_MEDIADIR: '/m',
      PV_SYSTEM_USRDIR: '/u',
      PV_WATCH_DIR: '/w',
    };
    expect(loadConfig({ env }).config.paths).toEqual({
      storage: '/var/lib/pantavisor',
      run: '/run/pantavisor/pv',
      logs: '/l',
      volumes: '/v',
      config: '/c',
      media: '/m',
      watch: '/w',
      lxc: '/u/var/lib/lxc',
    });
  });

  it.each<[string, Record<string, string>, string]>([
    ['relative', { PV_STORAGE_MNTPOINT: 'a' }, 'PV_STORAGE_MNTPOINT is "a", expected an absolute path'],
    ['climbing', { PV_LOG_DIR: '/a/../b' }, 'expected a path without "." and ".."'],
    ['too long for a socket', { PV_SYSTEM_RUNDIR: `/${'r'.repeat(80)}` }, '81 bytes long, expected at most 64'],
    [
      'on partitions that appengine mode has not got',
      { PV_BOOTLOADER_TYPE: 'rpiab' },
      'PV_BOOTLOADER_TYPE is "rpiab" (from env), which needs partitions that appengine mode has not got; set it to one of uboot, uboot-pvk, grub',
    ],
    ['on flash', { PV_BOOTLOADER_MTD_ONLY: '1' }, 'PV_BOOTLOADER_MTD_ONLY is set (from env)'],
    ['no address', { PV_STATUS_LISTEN: '8080' }, 'PV_STATUS_LISTEN is "8080", expected host:port'],
    ['beyond the ports', { PV_STATUS_LISTEN: 'a:70000' }, 'expected host:port'],
  ])('that are %s are refused with what to do', (_name, env, message) => {
    expect(() => loadConfig({ env })).toThrow(ConfigError);
    expect(() => loadConfig({ env })).toThrow(message);
  });

  it.each([
    ['uboot-pvk', 'uboot-pvk'],
    ['grub', 'grub'],
    ['lilo', 'uboot'],
  ])('of the boot variables follow from the bootloader %s', (type, bootloader) => {
    expect(loadConfig({ env: { PV_BOOTLOADER_TYPE: type } }).config.bootloader).toBe(bootloader);
  });

  it.each([
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    [':12368', { host: '127.0.0.1', port: 12368 }],
    ['[::1]:0', { host: '::1', port: 0 }],
  ])('of the status page: %s', (text, expected) => {
    expect(loadConfig({ env: { PV_STATUS_LISTEN: text } }).config.statusListen).toEqual(expected);
  });
});

describe('the init of a device', () => {
  const INIT = { PV_SYSTEM_INIT_MODE: 'embedded' };

  it('has the defaults of a device, not those of a program beside another init', () => {
    const { values } = loadConfig({ env: INIT }).config;
    expect([values.PV_WDT_MODE, values.PV_UPDATER_COMMIT_DELAY, values.PV_LOG_CAPTURE_DMESG]).toEqual([
      'shutdown',
      25,
      true,
    ]);
    expect(loadConfig({ env: {} }).config.values.PV_WDT_MODE).toBe('disabled');
  });

  it.each<[string, Record<string, string>, string | undefined, string]>([
    ['a variable, as the kernel hands it to init', { pv_rev: '7' }, 'pv_rev=8', '7'],
    ['a word of the command line', {}, 'quiet pv_rev=locals/web pv_try=locals/web', 'locals/web'],
    ['nothing: the factory revision', {}, 'xpv_rev=9', '0'],
  ])('knows what was booted by %s', (_name, env, cmdline, booted) => {
    const { config, warnings } = loadConfig({
      env: { ...INIT, ...env },
      ...(cmdline === undefined ? {} : { cmdline }),
    });
    expect([config.booted, warnings]).toEqual([booted, []]);
  });
});
