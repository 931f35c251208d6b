import { describe, expect, test } from 'vitest';
import { isKnownKey, leftOutNotices, unknownProtection } from '../../../resources/lxc/lxc-keys.ts';
import { parse } from '../../../resources/lxc/lxc-line.ts';

describe('keys', () => {
  test.each([
    'lxc.cgroup.devices.allow',
    'lxc.cgroup2.memory.max',
    'lxc.net.0.type',
    'lxc.sysctl.net.ipv4.ip_forward',
    'lxc.hook.pre-start',
    'lxc.pty.max',
    'lxc.idmap',
    'lxc.cap.drop',
    'foo',
    '',
  ])('%j is left to LXC', (key) => {
    expect(isKnownKey(key)).toBe(true);
  });

  test.each(['lxc.rootfs.bdev_type', 'lxc.tty.min', 'lxc.cgroupx', 'lxc.init.cmdx', 'lxc.mount', 'lxc.aa_profile'])(
    '%s is unknown to LXC',
    (key) => {
      expect(isKnownKey(key)).toBe(false);
    },
  );
});

test('what is left out is named with its line', () => {
  expect(leftOutNotices(parse('lxc.arch = x86_64\nlxc.tty.min = 2\nlxc.cap.foo = x'))).toEqual([
    'line 2: lxc.tty.min is left out: LXC does not know this key',
    'line 3: lxc.cap.foo is left out: LXC does not know this key',
  ]);
});

test.each([
  'lxc.cap.foo',
  'lxc.seccomp',
  'lxc.apparmor.x',
  'lxc.aa_profile',
  'lxc.selinux.x',
  'lxc.idmap2',
  'lxc.id_map',
])('%s is refused: leaving it out would protect less', (key) => {
  expect(unknownProtection(parse(`\n${key} = x`))).toContain(`line 2: ${key} would protect something`);
});

test('known keys that protect, and unknown ones that do not, are no reason to refuse', () => {
  expect(unknownProtection(parse('lxc.cap.drop = mknod\nlxc.rootfs.bdev_type = dir'))).toBeUndefined();
});
