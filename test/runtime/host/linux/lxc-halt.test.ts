import { expect, test } from 'vitest';
import { signalNumber } from '../../../../runtime/host/linux/lxc-halt.ts';

test.each([
  ['SIGTERM', 15],
  ['TERM', 15],
  ['sigpwr', 30],
  ['9', 9],
  ['SIGRTMIN+3', 37],
  ['RTMIN+14', 48],
  ['SIGRTMAX-1', 63],
  ['SIGRTMIN', 34],
  ['SIGRTMAX+1', undefined],
  ['0', undefined],
  ['999', undefined],
  ['SIGNONSENSE', undefined],
  ['', undefined],
])('the halt signal %j is number %j', (text, number) => {
  expect(signalNumber(text)).toBe(number);
});
