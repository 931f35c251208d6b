import { expect, test } from 'vitest';
import { heeds, signalNumber } from '../../../../../runtime/host/linux/lxc/lxc-halt.ts';

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

/** Of proc_pid_status(5), as much as counts; masks in hexadecimal. */
const status = (pids: string, { caught = '0', blocked = '0' }): string =>
  `Name:\tinit\nNSpid:\t${pids}\nSigBlk:\t${blocked.padStart(16, '0')}\nSigIgn:\t0\nSigCgt:\t${caught.padStart(16, '0')}\n`;
const [TERM, KILL] = [15, 9];

test.each([
  ['the first process of a namespace, which does not listen', status('812\t1', {}), TERM, false],
  ['one that catches another signal', status('812\t1', { caught: '1' }), TERM, false],
  ['one that catches it', status('812\t1', { caught: '4000' }), TERM, true],
  ['one that blocks it, to read it from a descriptor', status('812\t1', { blocked: '4000' }), TERM, true],
  ['one of a namespace within another', status('812\t7\t1', {}), TERM, false],
  ['any other process', status('812\t31', {}), TERM, true],
  ['a process of no other namespace', status('11', {}), TERM, true],
  ['the first one, when it is no question', status('812\t1', {}), KILL, true],
])('%s heeds a signal or not', (_, text, signal, expected) => {
  expect(heeds(text, signal)).toBe(expected);
});
