import { expect, test } from 'vitest';
import { commandAddress } from '../../../../../runtime/host/linux/lxc/lxc-names.ts';
import { exitOf } from '../../../../../runtime/host/linux/lxc/monitor-fifo.ts';

test.each([
  [0, { type: 'code', code: 0 }],
  [10752, { type: 'code', code: 42 }],
  [0xff00, { type: 'code', code: 255 }],
  [9, { type: 'signal', signal: 9 }],
  [0x8b, { type: 'signal', signal: 11 }],
])('the wait status %i is %j', (status, exit) => {
  expect(exitOf(status)).toEqual(exit);
});

test('a command socket is named by its path, and by a hash of it when that is too long for an address', () => {
  expect(commandAddress('/run/pv/lxc', 'web')).toBe('\0/run/pv/lxc/web/command');
  expect(commandAddress(`/${'x'.repeat(120)}`, 'web')).toMatch(/^\0lxc\/[0-9a-f]{16}\/command$/);
});
