/** Levels: who may set a key, who beats whom, and what a broken source does. */
import { describe, expect, it } from 'vitest';
import { type ConfigSources, loadConfig } from '../../../runtime/config/config.ts';
import { LEVELS, type Level, maySet } from '../../../runtime/config/config-level.ts';
import { CONFIG_KEYS, KEYS } from '../../../runtime/config/keys.ts';
import { applyEntries, DEFAULTS } from '../../../runtime/config/settings.ts';

const levelOf = (sources: Partial<ConfigSources>) => {
  const { values, modified } = loadConfig({ env: {}, ...sources }).config;
  return [values.PV_LOG_LEVEL, modified.PV_LOG_LEVEL];
};
const policyOf = (text: string): Partial<ConfigSources> => ({ readPolicy: () => ({ text }) });

describe('sources', () => {
  const FILE = { file: 'log.level=1\npolicy=prod\n' };
  const POLICY = policyOf('log.level=2\n');
  const CMDLINE = { cmdline: 'console=ttyS0 pv_log.level=3 pv_try=7 quiet' };
  const ENV = { env: { PV_LOG_LEVEL: '4' } };

  it.each<[string, Partial<ConfigSources>, unknown]>([
    ['nobody', {}, [0, 'default']],
    ['the file', FILE, [1, 'pv conf file']],
    ['its policy', { ...FILE, ...POLICY }, [2, 'policy']],
    ['the command line', { ...FILE, ...POLICY, ...CMDLINE }, [3, 'pv cmdline']],
    ['the environment', { ...FILE, ...POLICY, ...CMDLINE, ...ENV }, [4, 'env']],
  ])('in rising precedence: %s', (_name, sources, expected) => {
    expect(levelOf(sources)).toEqual(expected);
  });

  it('are not asked in another order than by their numbers, whichever comes first', () => {
    const levels = (Object.keys(LEVELS) as Level[]).filter((level) => maySet(level, 'PV O R') && level !== 'unknown');
    const entry = (level: Level) => [{ key: 'PV_LOG_LEVEL', value: String(LEVELS[level]) }];
    for (const order of [levels, levels.toReversed()]) {
      const settings = order.reduce((each, level) => applyEntries(each, entry(level), level), DEFAULTS);
      expect(settings.byKey.get('PV_LOG_LEVEL')).toMatchObject({ value: 1024, modified: 'command' });
    }
  });

  it('that may set each key are those of its letters', () => {
    const may = (level: Level) => CONFIG_KEYS.filter((name) => maySet(level, KEYS[name].access)).length;
    const own = CONFIG_KEYS.filter((name) => name.startsWith('PH_')).length;
    expect([may('ph conf file'), may('ph cmdline')]).toEqual([own, own]);
    expect([may('pv conf file'), may('pv cmdline')]).toEqual(Array(2).fill(CONFIG_KEYS.length - own));
    expect([may('env'), may('policy')]).toEqual(Array(2).fill(CONFIG_KEYS.length));
    expect(may('metadata')).toBe(CONFIG_KEYS.filter((name) => KEYS[name].access.endsWith('R')).length);
  });
});

describe('the command line', () => {
  const warningsOf = (cmdline: string) => loadConfig({ env: {}, cmdline }).warnings;

  it.each([
    ['by alias', 'pv_log.level=4', [4, 'pv cmdline']],
    ['by full name', 'pv_PV_LOG_LEVEL=4', [4, 'pv cmdline']],
    ['in capitals, which are no prefix', 'PV_LOG_LEVEL=4', [0, 'default']],
    ['beyond the first 1023 bytes', `${'x'.repeat(1020)} pv_log.level=4`, [0, 'default']],
    ['within tabs, which separate nothing', 'a\tpv_log.level=4', [0, 'default']],
  ])('sets a key %s', (_name, cmdline, expected) => {
    expect(levelOf({ cmdline })).toEqual(expected);
  });

  it('sets PH keys by words of their own', () => {
    const { values, modified } = loadConfig({ env: {}, cmdline: 'ph_creds.host=hub.local' }).config;
    expect([values.PH_CREDS_HOST, modified.PH_CREDS_HOST]).toEqual(['hub.local', 'ph cmdline']);
    expect(warningsOf('pv_creds.host=hub.local')).toEqual([
      'pv cmdline, pv_creds.host=hub.local: PH_CREDS_HOST cannot be set here, so it is ignored',
    ]);
  });

  it('knows the words of the bootloader, and names those nobody knows', () => {
    expect(warningsOf('pv_try=7 pv_rev=6 pv_quiet')).toEqual([]);
    expect(warningsOf('pv_log.levle=4')).toEqual([
      'pv cmdline, pv_log.levle=4: log.levle is no configuration key, so it is ignored; did you mean log.level?',
    ]);
  });

  it('opens everything for debugging, whoever closed it', () => {
    const { values, modified } = loadConfig({
      env: { PV_DEBUG_SHELL: '0', PV_DEBUG_SSH: '0' },
      cmdline: 'pv_debug',
    }).config;
    expect([values.PV_DEBUG_SHELL, values.PV_DEBUG_SHELL_AUTOLOGIN, values.PV_DEBUG_SSH]).toEqual([true, true, true]);
    expect(modified.PV_DEBUG_SSH).toBe('args');
  });
});

describe('the policy', () => {
  /** The path that is asked for; undefined: none. */
  const asked = (sources: Partial<ConfigSources>): string | undefined => {
    let path: string | undefined;
    const readPolicy = (wanted: string) => {
      path = wanted;
      return { text: '' };
    };
    loadConfig({ env: {}, readPolicy, ...sources });
    return path;
  };

  it.each<[string, Partial<ConfigSources>, string | undefined]>([
    ['of nobody', {}, undefined],
    ['of the file', { file: 'policy=a' }, '/etc/pantavisor/policies/a.config'],
    ['of the environment', { file: 'policy=a', env: { PV_POLICY: 'b' } }, '/etc/pantavisor/policies/b.config'],
    ['of the command line', { env: { PV_POLICY: 'b' }, cmdline: 'pv_policy=c' }, '/etc/pantavisor/policies/c.config'],
    ['of nobody who names none', { file: 'policy=a', env: { PV_POLICY: '' } }, '/etc/pantavisor/policies/a.config'],
    ['that climbs', { env: { PV_POLICY: '../a' } }, undefined],
    [
      'in another directory',
      { env: { PV_POLICY: 'a', PV_SYSTEM_ETCPANTAVISORDIR: '/opt/pv' } },
      '/opt/pv/policies/a.config',
    ],
  ])('is that %s', (_name, sources, expected) => {
    expect(asked(sources)).toBe(expected);
  });

  it('that cannot be read is told and stops nothing', () => {
    const readPolicy = () => ({ problem: '/p is larger than 65536 bytes' });
    const { config, warnings } = loadConfig({ env: { PV_POLICY: 'prod', PV_LOG_LEVEL: '2' }, readPolicy });
    expect(config.values.PV_LOG_LEVEL).toBe(2);
    expect(warnings).toEqual(['policy "prod" has no effect: /p is larger than 65536 bytes']);
  });
});

describe('a file that is no configuration', () => {
  it('is told in at most so many lines, quickly', () => {
    const file = Array.from({ length: 20_000 }, (_, line) => `${line}=x`).join('\n');
    const began = performance.now();
    const { config, warnings } = loadConfig({ env: {}, file: `${file}\nlog.level=3` });
    expect(performance.now() - began).toBeLessThan(1000);
    expect(warnings).toHaveLength(51);
    expect(warnings.at(-1)).toBe('more entries are ignored than are told here');
    expect(config.values.PV_LOG_LEVEL).toBe(3);
  });

  it('is not printed as it is', () => {
    const { warnings } = loadConfig({ env: {}, file: `\u001b[31m${'k'.repeat(1000)}=x\n` });
    expect(warnings[0]).toMatch(/^pv conf file: "\\u001b\[31mk{75}" is no configuration key/);
  });

  it('may still name outputs, of which the known ones count', () => {
    const { config, warnings } = loadConfig({ env: {}, file: 'log.server.outputs=stdout,telegraph\n' });
    expect(config.values.PV_LOG_SERVER_OUTPUTS).toEqual(['stdout']);
    expect(warnings[0]).toMatch(/^pv conf file: log.server.outputs: "telegraph" is none of filetree/);
  });
});
