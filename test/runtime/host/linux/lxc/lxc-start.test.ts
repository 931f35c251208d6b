import { expect, test } from 'vitest';
import { reasonIn } from '../../../../../runtime/host/linux/lxc/lxc-start.ts';

const STARTED =
  'lxc-start web 20261123030307.248 INFO     start - ../src/lxc/start.c:lxc_spawn:1762 - Cloned CLONE_NEWNS';

test('the reason for a failed start is the first error in the log that is no mere consequence', () => {
  const log = [
    STARTED,
    'lxc-start web 20261123030307.252 WARN     start - ../src/lxc/start.c:lxc_spawn:1832 - File exists - Failed to allocate new network namespace id',
    'lxc-start web 20261123030307.740 ERROR    start - ../src/lxc/start.c:start:2197 - No such file or directory - Failed to exec "/nope"',
    'lxc-start web 20261123030307.740 ERROR    sync - ../src/lxc/sync.c:sync_wait:34 - An error occurred in another process (expected sequence number 7)',
    'lxc-start web 20261123030307.740 ERROR    start - ../src/lxc/start.c:__lxc_start:2107 - Failed to spawn container "web"',
  ].join('\n');
  expect(reasonIn(log)).toBe('No such file or directory - Failed to exec "/nope"');
});

test('what LXC prints before it has a log is understood as well', () => {
  const printed = [
    'lxc-start: web: ../src/lxc/confile.c: set_config_unsupported_key: 164 Invalid argument - Unsupported config key "lxc.nonsense"',
    'lxc-start: web: ../src/lxc/parse.c: lxc_file_for_each_line_mmap: 129 Failed to parse config file "/l/web/config" at line "lxc.nonsense = 1"',
    'Failed to load config for web',
    'lxc-start: web: ../src/lxc/tools/lxc_start.c: main: 240 Failed to create lxc_container',
  ].join('\n');
  expect(reasonIn(printed)).toBe(
    'Invalid argument - Unsupported config key "lxc.nonsense"; Failed to parse config file "/l/web/config" at line "lxc.nonsense = 1"',
  );
});

test.each([
  ['a log without errors gives no reason', STARTED, ''],
  ['nothing at all gives no reason', '', ''],
  [
    'consequences alone are better than nothing',
    'lxc-start: web: ../src/lxc/tools/lxc_start.c: main: 306 The container failed to start',
    'The container failed to start',
  ],
])('%s', (_, text, reason) => {
  expect(reasonIn(text)).toBe(reason);
});

test('a flood of errors is cut short', () => {
  const line = (cause: string) => `lxc-start: web: ../src/lxc/x.c: f: 1 ${cause}`;
  expect(reasonIn(['a', 'b', 'c', 'd'].map(line).join('\n'))).toBe('a; b; c');
  expect(reasonIn(line('x'.repeat(10_000)))).toHaveLength(600);
});
