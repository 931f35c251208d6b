import { describe, expect, it } from 'vitest';
import { LEVELS, type Level, maySet } from '../../../runtime/config/config-level.ts';
import { CONFIG_KEYS, KEYS } from '../../../runtime/config/keys.ts';

describe('the table of keys', () => {
  it('holds the 113 keys of Pantavisor and our own eleven', () => {
    expect(CONFIG_KEYS).toHaveLength(124);
  });

  it('names every alias once', () => {
    const aliases = CONFIG_KEYS.flatMap((name) => KEYS[name].aliases);
    expect(new Set(aliases).size).toBe(aliases.length);
  });

  it.each<[Level, string]>([
    ['env', 'PV'],
    ['pv conf file', 'PV O'],
    ['ph conf file', 'PH O'],
    ['oem config', 'PV O R'],
    ['metadata', 'PH O R'],
    ['args', 'PV'],
  ])('lets %s set a key open to %s', (level, access) => {
    expect(maySet(level, access as 'PV')).toBe(true); // the table above writes the letters of the access type
  });

  it.each<[Level, string]>([
    ['ph conf file', 'PV'],
    ['pv conf file', 'PH O'],
    ['oem config', 'PV'],
    ['metadata', 'PV O'],
  ])('forbids %s a key open to %s', (level, access) => {
    expect(maySet(level, access as 'PV')).toBe(false); // as above
  });

  it('ranks its levels without ties', () => {
    expect(new Set(Object.values(LEVELS)).size).toBe(Object.keys(LEVELS).length);
  });
});
