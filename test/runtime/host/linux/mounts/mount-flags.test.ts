import { expect, test } from 'vitest';
import { flagsOfNames, flagsOfOptions, MS } from '../../../../../runtime/host/linux/mounts/mount-flags.ts';

test('names become flags', () => {
  expect(flagsOfNames('/dev/x', [])).toBe(0);
  expect(flagsOfNames('/dev/x', ['MS_RDONLY', 'MS_NOEXEC'])).toBe(9);
});

test.each(['MS_BIND', 'MS_REMOUNT', 'MS_MOVE', 'noexec', 'toString', '__proto__', ''])(
  '%j is no flag to ask for',
  (name) => {
    expect(() => flagsOfNames('/dev/x', [name])).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  },
);

test('a remount repeats what the table shows and ignores what is no flag', () => {
  expect(flagsOfOptions(['rw', 'nosuid', 'relatime', 'idmapped'])).toBe(MS.MS_NOSUID | MS.MS_RELATIME);
});
