/** What people see at a terminal, and what changes there. Needs script(1) for a terminal. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../../../runtime/api/api.ts';
import { onPath } from '../../../system/require-root.ts';
import { container, type FakeDevice, fakeDevice, group, snapshotOf } from '../../api/fixture.ts';
import { runProgram } from '../run-program.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../../runtime/cli/pvcontrol/pvcontrol.ts');
const SNAPSHOT = snapshotOf([container('web')], [group('app')]);

let device: FakeDevice;
let api: Api;
beforeAll(async () => {
  device = fakeDevice(SNAPSHOT);
  api = await startApi(device.deps);
});
afterAll(async () => {
  await api.stop();
  device.remove();
});

/** Output and errors, as the terminal gets them. */
const atTerminal = (words: string, env: NodeJS.ProcessEnv = {}): Promise<string> =>
  new Promise((fulfil, reject) => {
    const line = `${process.execPath} ${PROGRAM} -s ${device.deps.socketPath} ${words}`;
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      env: { PATH: process.env['PATH'], TERM: 'xterm', ...env },
    });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', () => fulfil(output.replaceAll('\r\n', '\n')));
    child.stdin.end();
  });

describe.skipIf(!onPath('script'))(
  'a terminal',
  () => {
    it('gets tables in colours', async () => {
      const shown = await atTerminal('groups ls');
      expect(shown).toContain('\u001b[90mNAME');
      expect(shown).toContain('\u001b[32mREADY');
    });

    it('gets none if NO_COLOR is set', async () => {
      expect(await atTerminal('ls', { NO_COLOR: '1' })).toMatch(/^NAME {2}GROUP {2}STATUS .*\nweb {3}app {4}STARTED /);
      expect(await atTerminal('status', { NO_COLOR: '1' })).not.toContain('\u001b');
    });

    it('gets JSON when asked to, before or behind the command', async () => {
      for (const words of ['--json groups ls', 'groups ls --json'])
        expect(JSON.parse(await atTerminal(words))).toMatchObject([{ name: 'app' }]);
    });

    it('gets sentences', async () => {
      expect(await atTerminal('containers restart web')).toBe('Done.\n');
      expect(await atTerminal('containers stop nobody')).toBe('pvcontrol: Container not found\n');
      expect(await atTerminal('steps show-progress locals/a')).toBe('DONE\n');
      expect(await atTerminal('explode')).toMatch(
        /^error: unknown command 'explode'\n(.*\n)*Try pvcontrol --help\.\n$/,
      );
    });

    it('gets maps as tables', async () => {
      await atTerminal('usrmeta save colour red');
      expect(await atTerminal('usrmeta ls', { NO_COLOR: '1' })).toBe('KEY     VALUE\ncolour  red\n');
    });
  },
  60_000,
);

describe('watching', { timeout: 60_000 }, () => {
  const pvcontrol = (...words: readonly string[]) => runProgram('pvcontrol', ['-s', device.deps.socketPath, ...words]);

  it('prints a list again whenever it has changed, until the daemon is gone', async () => {
    const other = fakeDevice(SNAPSHOT);
    const otherApi = await startApi(other.deps);
    const child = spawn(process.execPath, [PROGRAM, '-s', other.deps.socketPath, 'ls', '--watch', '--json']);
    const lines: string[] = [];
    let [rest, errors] = ['', ''];
    const closed = new Promise<number | null>((fulfil) => child.once('close', fulfil));
    child.stderr.on('data', (text) => (errors += text));
    await new Promise<void>((fulfil) => {
      child.stdout.on('data', (text) => {
        const found = (rest + text).split('\n');
        rest = found.pop() ?? '';
        lines.push(...found);
        if (lines.length === 1) {
          other.show(snapshotOf([container('web')], [group('app')], { revision: 'locals/same' }));
          other.show(snapshotOf([container('web'), container('db')], [group('app')]));
        }
        if (lines.length === 2) fulfil();
      });
    });
    expect(lines.map((line) => JSON.parse(line).map(({ name }: { name: string }) => name))).toEqual([
      ['web'],
      ['web', 'db'],
    ]);
    await otherApi.stop();
    other.remove();
    expect(await closed).toBe(1);
    expect(errors).toMatch(/^pvcontrol: /);
  });

  it('follows a revision to its end, which is the exit code', async () => {
    expect(await pvcontrol('steps', 'show-progress', '-w', 'locals/a')).toEqual({
      code: 0,
      stdout: '{"status":"DONE"}\n',
      stderr: '',
    });
    expect(await pvcontrol('steps', 'show-progress', '-w', 'locals/none')).toMatchObject({ code: 255, stdout: '' });
  });
});

describe('what needs the device itself', { timeout: 60_000 }, () => {
  const pvcontrol = (...words: readonly string[]) => runProgram('pvcontrol', ['-s', device.deps.socketPath, ...words]);
  it.each([
    [['enter', 'nobody'], 'pvcontrol: no container found: nobody. There are: web\n'],
    [['exec', 'web', 'ls'], 'pvcontrol: web does not run, it is STARTED: nothing to enter\n'],
    [
      ['top', '--once'],
      expect.stringMatching(/there is no \/lxc here: what containers use can be seen on the device itself/),
    ],
    [['exec', 'a b', 'ls'], expect.stringContaining('is no container')],
  ])('%j says so', async (words, stderr) => {
    expect(await pvcontrol(...words)).toEqual({ code: 1, stdout: '', stderr });
  });
});
