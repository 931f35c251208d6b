import { expect, test } from 'vitest';
import { initWords, splitCommand } from '../../../resources/lxc/lxc-command.ts';

test.each([
  ['/bin/sh "-c" "sleep 1000; echo x"', ['/bin/sh', '-c', 'sleep 1000; echo x']],
  ["/bin/sh '-c' 'echo \"$HOME\" \\n'", ['/bin/sh', '-c', 'echo "$HOME" \\n']],
  ['/bin/echo "a \\"b\\" \\\\ \\$c \\n"', ['/bin/echo', 'a "b" \\ $c \\n']],
  ['/bin/echo "" end', ['/bin/echo', '', 'end']],
  ['/bin/echo two\\ words  a"b c"d', ['/bin/echo', 'two words', 'ab cd']],
  ['', []],
])('%s is split as a shell would', (command, words) => {
  expect(splitCommand(command)).toEqual(words);
});

test.each(['/bin/echo "open', "/bin/echo 'open", '/bin/echo end\\'])('%s is not a command', (command) => {
  expect(splitCommand(command)).toBeUndefined();
});

test.each([
  ['words as pvr quotes them', 'lxc.init.cmd = /bin/sleep "1000"', ['/bin/sleep', '1000']],
  ['a first word that is quoted as well', 'lxc.init.cmd = "/bin/my sh" "-c"', ['/bin/my sh', '-c']],
  ['quotes of the file around the whole command', 'lxc.init.cmd = "/bin/sleep 1000"', []],
  ['a command without quotes is left to LXC', 'lxc.init.cmd = /sbin/init --x', []],
  ['the last line counts', 'lxc.init.cmd = /bin/a "b"\nlxc.init.cmd = /bin/c', []],
  ['an open quote is left to LXC', 'lxc.init.cmd = /bin/a "b', []],
  ['no command at all', 'lxc.arch = x86_64', []],
])('init is started with: %s', (_, config, words) => {
  expect(initWords(config)).toEqual(words);
});
