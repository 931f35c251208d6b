import { expect, it } from 'vitest';
import { understand } from '../../../../runtime/cli/pvtx/command-prefixes.ts';

it.each<[string, string]>([
  ['begin current', 'begin current'],
  ['beginning current', 'begin current'],
  ['add -', 'add -'],
  ['q new /q /o', 'queue new /q /o'],
  ['que process', 'queue process'],
  ['queues unpacked a.tgz', 'queue unpack a.tgz'],
  ['-s /run/pv-ctrl committed locals/a', '-s /run/pv-ctrl commit locals/a'],
  ['show --help', 'show --help'],
  ['completion bash', 'completion bash'],
])('%j is %j', (given, words) => {
  expect(understand(given.split(' '))).toEqual({ kind: 'command', words: words.split(' ') });
});

it.each([
  ['commi', 'commi'],
  ['Begin', 'Begin'],
  ['queue', 'queue'],
  ['q explode', 'queue explode'],
])('%j is no command', (given, word) => {
  expect(understand(given.split(' '))).toEqual({ kind: 'unknown', word });
});

it.each([
  [[], 255],
  [['help'], 0],
  [['-s', '/x'], 255],
])('%j asks for help', (words, exitCode) => {
  expect(understand(words)).toEqual({ kind: 'help', exitCode });
});
