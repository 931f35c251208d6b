/** `pvcontrol logs`, as a program of its own over directories as the daemon leaves them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../run-program.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../../runtime/cli/pvcontrol/pvcontrol.ts');
let root = '';
let following: ChildProcess | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pvtest-logs-'));
});
afterEach(() => {
  following?.kill('SIGKILL');
  following = undefined;
  rmSync(root, { recursive: true, force: true });
});

const put = (path: string, content: string | Uint8Array): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join('');
const device = (): void => {
  put('7/web/lxc/console.log', lines(1, 3));
  put('7/web/var/log/messages', lines(101, 130));
  put('7/web/var/log/messages.1.gz', gzipSync(lines(1, 50)));
  put('7/web/var/log/messages.2.gz', gzipSync(lines(51, 100)));
  put('7/web/var/log/.messages.3.rotating', 'not shown\n');
  put('7/pantavisor/pantavisor.log', '[pantavisor] 1 INFO\t -- [x]: own\n');
  put('6/web/lxc/console.log', 'older\n');
  symlinkSync('7', join(root, 'current'));
};
const logs = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await runProgram('pvcontrol', ['logs', '--dir', root, ...args]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

describe('pvcontrol logs', () => {
  it('shows one log whole, with what was rotated', async () => {
    device();
    expect(await logs('web', '/var/log/messages')).toBe(lines(1, 130));
    expect(await logs('web', 'console.log')).toBe(lines(1, 3));
    expect(await logs('-n', '40', 'web', 'messages')).toBe(lines(91, 130));
    expect(await logs('-n', '5', 'web', 'messages')).toBe(lines(126, 130));
    expect(await logs('-n', '0', 'web', 'messages')).toBe('');
  });

  it('shows the last lines of several logs, each with its name', async () => {
    device();
    const shown = (await logs()).split('\n').filter((line) => line !== '');
    expect(shown.filter((line) => line.startsWith('web var/log/messages | '))).toHaveLength(20);
    expect(shown).toContain('web lxc/console.log | line 3');
    expect(shown).toContain('pantavisor pantavisor.log | [pantavisor] 1 INFO\t -- [x]: own');
    expect(shown.join()).not.toContain('not shown');
  });

  it('shows another revision, and a container without the others', async () => {
    device();
    expect(await logs('-r', '6')).toBe('web lxc/console.log | older\n');
    expect(await logs('-n', '1', 'pantavisor')).toBe('pantavisor pantavisor.log | [pantavisor] 1 INFO\t -- [x]: own\n');
  });

  it('prints JSON', async () => {
    device();
    const { stdout } = await runProgram('pvcontrol', [
      '--json',
      'logs',
      '--dir',
      root,
      '-n',
      '1',
      'web',
      'console.log',
    ]);
    expect(JSON.parse(stdout)).toEqual({ platform: 'web', src: 'lxc/console.log', msg: 'line 3' });
  });

  it('shows a container its own logs, as they are mounted there', async () => {
    put('lxc/console.log', 'hello\n');
    put('var/log/messages', 'syslog\n');
    expect(await logs()).toBe('lxc/console.log | hello\nvar/log/messages | syslog\n');
    expect(await logs('web', 'console.log')).toBe('hello\n');
  });

  it('finds the logs by the environment of the daemon, and says where it looked', async () => {
    device();
    const found = await runProgram('pvcontrol', ['logs', 'web', 'console.log'], { env: { PV_LOG_DIR: root } });
    expect(found.stdout).toBe(lines(1, 3));
    const none = await runProgram('pvcontrol', ['logs'], {
      env: { PV_LOG_DIR: '/none/logs', PV_SYSTEM_RUNDIR: '/none' },
    });
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/^pvcontrol: no logs in \/none\/logs, .*--dir DIRECTORY\n$/);
  });

  it.each([
    [['nothing'], /no such log in .*: expected one of pantavisor pantavisor\.log, web lxc\/console\.log/],
    [['-n', 'many'], /-n is "many", expected a number of lines, or all/],
    [['-r', '9'], /there are no logs of revision 9/],
    [['-r', '../../etc'], /there are no logs of revision/],
  ])('refuses %j', async (args, message) => {
    device();
    const { code, stderr } = await runProgram('pvcontrol', ['logs', '--dir', root, ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  const follow = () => {
    let shown = '';
    following = spawn(process.execPath, [PROGRAM, 'logs', '--dir', root, '-f', '-n', '1', 'web', 'console.log']);
    following.stdout?.on('data', (text) => {
      shown += text;
    });
    const until = async (text: string): Promise<void> => {
      for (let tries = 0; !shown.includes(text); tries += 1) {
        if (tries > 1_000) throw new Error(`no ${text} in ${JSON.stringify(shown)}`);
        await sleep(25);
      }
    };
    return { shown: () => shown, until };
  };
  /** In one step, as the daemon does it: there is always one. */
  const switchTo = (revision: string): void => {
    symlinkSync(revision, join(root, '.current.new'));
    renameSync(join(root, '.current.new'), join(root, 'current'));
  };

  it('follows over rotation and into the next revision', async () => {
    device();
    const { shown, until } = follow();
    const file = join(root, '7/web/lxc/console.log');
    await until('line 3');
    appendFileSync(file, 'par');
    appendFileSync(file, 'tial\n');
    await until('partial');
    appendFileSync(file, 'last of the old\n');
    renameSync(file, join(root, '7/web/lxc/.console.log.1.rotating'));
    writeFileSync(file, 'first of the new\n');
    await until('first of the new');
    put('8/web/lxc/console.log', 'next revision\n');
    switchTo('8');
    await until('next revision');
    expect(shown()).toBe('line 3\npartial\nlast of the old\nfirst of the new\nnext revision\n');
  });

  it('loses no line that was written when another revision had become the current one already', async () => {
    device();
    const { shown, until } = follow();
    await until('line 3');
    put('8/web/lxc/lxc.log', 'nothing of interest\n');
    switchTo('8');
    appendFileSync(join(root, '7/web/lxc/console.log'), 'line 4\n');
    await until('line 4');
    appendFileSync(join(root, '7/web/lxc/console.log'), 'line 5\n');
    put('8/web/lxc/console.log', 'line 6\n');
    await until('line 6');
    appendFileSync(join(root, '7/web/lxc/console.log'), 'a late one\n');
    await until('a late one');
    expect(shown()).toBe('line 3\nline 4\nline 5\nline 6\na late one\n');
  });

  it('hears of logs of a revision that has none yet', async () => {
    device();
    mkdirSync(join(root, 'locals'));
    const { shown, until } = follow();
    await until('line 3');
    switchTo('locals/next');
    appendFileSync(join(root, '7/web/lxc/console.log'), 'line 4\n');
    await until('line 4'); // it has seen the switch
    put('locals/next/web/lxc/console.log', 'line 5\n');
    await until('line 5');
    expect(shown()).toBe('line 3\nline 4\nline 5\n');
  });

  it('repeats no line when an earlier revision runs again', async () => {
    device();
    const { shown, until } = follow();
    await until('line 3');
    for (const [revision, line] of [
      ['8', 'of 8'],
      ['9', 'of 9'],
      ['7', 'of 7 again'],
    ] as const) {
      if (revision === '7') appendFileSync(join(root, '7/web/lxc/console.log'), `${line}\n`);
      else put(`${revision}/web/lxc/console.log`, `${line}\n`);
      switchTo(revision);
      await until(line);
    }
    expect(shown()).toBe('line 3\nof 8\nof 9\nof 7 again\n');
  });
});
