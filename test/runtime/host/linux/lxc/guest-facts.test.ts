import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { accountIn, environmentIn, passwdBelow } from '../../../../../runtime/host/linux/lxc/guest-facts.ts';

const PASSWD = 'root:x:0:0:root:/root:/bin/ash\nann:x:1000:100:Ann:/home/ann:\n#comment\nbad:x:no:0::/:/bin/sh\n';

it.each<[string, string, object | undefined]>([
  ['by name', 'root', { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/ash' }],
  ['by number, without a shell', '1000', { name: 'ann', uid: 1000, gid: 100, home: '/home/ann', shell: '/bin/sh' }],
  ['by a number nobody has', '77', { name: '77', uid: 77, gid: 77, home: '/tmp1', shell: '/bin/sh' }],
  ['of no such name', 'eve', undefined],
  ['whose entry is damaged', 'bad', undefined],
])('finds a user %s', (_, user, account) => {
  expect(accountIn(PASSWD, user)).toEqual(account);
});

it('knows root where there is no passwd file', () => {
  expect(accountIn('', 'root')).toEqual({ name: 'root', uid: 0, gid: 0, home: '/tmp1', shell: '/bin/sh' });
});

it('takes the environment but for where programs are', () => {
  const environ = 'COLOUR=blue\0PATH=/x\0LD_LIBRARY_PATH=/y\0PATHS=z\0EMPTY=\0no variable\0=x\0A=b=c\nd\0';
  expect(environmentIn(environ)).toEqual(['COLOUR=blue', 'PATHS=z', 'EMPTY=', 'A=b=c\nd']);
});

it('reads a passwd file that is one, and follows no link out of the container', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pvtest-guest-'));
  expect(await passwdBelow(root)).toBe('');
  mkdirSync(join(root, 'etc'));
  symlinkSync('/etc/passwd', join(root, 'etc/passwd'));
  expect(await passwdBelow(root)).toBe('');
  rmSync(join(root, 'etc'), { recursive: true });
  symlinkSync('/etc', join(root, 'etc'));
  expect(await passwdBelow(root)).toBe('');
  rmSync(join(root, 'etc'));
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), PASSWD);
  expect(await passwdBelow(root)).toBe(PASSWD);
  rmSync(root, { recursive: true });
});
