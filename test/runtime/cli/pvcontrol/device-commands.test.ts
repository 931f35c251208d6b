import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../../../runtime/api/api.ts';
import { container, type FakeDevice, fakeDevice, snapshotOf } from '../../api/fixture.ts';
import { gzipped, rawTar } from '../../store/tar-builder.ts';
import { type Ended, runProgram } from '../run-program.ts';

let device: FakeDevice;
let api: Api;
let directory: string;
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pvtest-cli-'));
  device = fakeDevice(snapshotOf([container('web')]));
  api = await startApi(device.deps);
});
afterAll(async () => {
  await api.stop();
  device.remove();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  device.log.length = 0;
});
const sha = (content: string): string => createHash('sha256').update(content).digest('hex');
const pvcontrol = (args: readonly string[], input?: string): Promise<Ended> =>
  runProgram('pvcontrol', ['-s', device.deps.socketPath, ...args], input === undefined ? {} : { input });
const done = (stdout = '\n') => ({ code: 0, stdout, stderr: '' });

describe('pvcontrol cmd', () => {
  it.each([
    ['cmd run locals/web', 'LOCAL_RUN locals/web'],
    ['command run-commit locals/web', 'LOCAL_RUN_COMMIT locals/web'],
    ['commands reboot', 'REBOOT_DEVICE '],
    ['cmd reboot night', 'REBOOT_DEVICE night'],
    ['cmd poweroff', 'POWEROFF_DEVICE '],
    ['cmd make-factory', 'MAKE_FACTORY '],
    ['cmd make-factory 7', 'MAKE_FACTORY 7'],
    ['cmd run-gc', 'RUN_GC '],
    ['cmd enable-ssh', 'ENABLE_SSH '],
    ['cmd disable-ssh', 'DISABLE_SSH '],
    ['cmd defer-reboot 60', 'DEFER_REBOOT 60'],
  ])('%s', async (words, asked) => {
    expect(await pvcontrol(words.split(' '))).toEqual(done());
    expect(device.log).toEqual([asked]);
  });

  it.each([
    ['cmd go-remote', 'remote mode is disabled'],
    ['cmd unclaim', 'status 204'],
  ])('%s is refused', async (words, reason) => {
    expect(await pvcontrol(words.split(' '))).toMatchObject({ code: 255, stderr: expect.stringContaining(reason) });
  });

  it('without a revision is a wrong command', async () => {
    expect((await pvcontrol(['cmd', 'run'])).code).toBe(1);
    expect((await pvcontrol(['cmd', 'explode'])).code).toBe(1);
  });

  it('quotes what people write', async () => {
    await pvcontrol(['cmd', 'reboot', 'say "hi"\n']);
    expect(device.log).toEqual(['REBOOT_DEVICE say "hi"\n']);
  });
});

describe('pvcontrol objects', () => {
  it('puts, lists and gets', async () => {
    const path = file('object', 'hello');
    expect(await pvcontrol(['objects', 'put', path, sha('hello')])).toEqual(done());
    expect(await pvcontrol(['objects', 'put', '-3', sha('abc')], 'abc')).toEqual(done());
    expect(JSON.parse((await pvcontrol(['objects', 'ls'])).stdout)).toEqual([
      { sha256: sha('hello'), size: '5' },
      { sha256: sha('abc'), size: '3' },
    ]);
    expect(await pvcontrol(['objects', 'get', sha('hello')])).toEqual(done('hello'));
    const out = join(directory, 'out');
    expect(await pvcontrol(['-f', out, 'objects', 'get', sha('abc')])).toEqual(done(''));
    expect(readFileSync(out, 'utf8')).toBe('abc');
  });

  it('puts as much of standard input as was told, and not less', async () => {
    expect(await pvcontrol(['objects', 'put', '-3', sha('abc')], 'abcdef')).toEqual(done());
    expect(await pvcontrol(['objects', 'put', '-9', sha('abcdef')], 'abcdef')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'pvcontrol: expected 9 bytes, but there are only 6\n',
    });
    expect(await pvcontrol(['objects', 'put', '-0', sha('')])).toEqual(done());
  });

  it('tells what became of an upload by the exit code', async () => {
    expect((await pvcontrol(['objects', 'put', file('a', 'too much'), sha('a')])).code).toBe(48);
    expect((await pvcontrol(['objects', 'put', file('b', 'wrong'), sha('b')])).code).toBe(60);
    expect((await pvcontrol(['objects', 'put', file('c', 'x'), 'short'])).code).toBe(255);
    expect((await pvcontrol(['objects', 'put', join(directory, 'none'), sha('b')])).code).toBe(1);
  });

  it('prints whatever it gets, and is content', async () => {
    expect(await pvcontrol(['objects', 'get', sha('none')])).toEqual(done('{"Error":"Request has bad object name"}'));
  });
});

describe('pvcontrol steps', () => {
  it('puts a state with its message, and gets it byte for byte', async () => {
    const path = file('state.json', ' {"#spec":"x"} ');
    expect(await pvcontrol(['-m', 'for "you"', 'steps', 'put', path, 'locals/web'])).toEqual(done());
    expect(device.log).toEqual(['install locals/web', 'locals/web: for "you"']);
    expect((await pvcontrol(['steps', 'get', 'locals/web'])).stdout).toBe(' {"#spec":"x"} \n');
    expect((await pvcontrol(['steps', 'get', 'locals/none'])).code).toBe(255);
  });

  it('sends no message for what was refused', async () => {
    expect((await pvcontrol(['-m', 'x', 'steps', 'put', file('empty', ''), 'locals/web'])).code).toBe(255);
    expect(device.log).toEqual(['install locals/web']);
  });

  it('installs a tarball, and brings what is missing only', async () => {
    const state = JSON.stringify({ '#spec': 'x', 'a/b': sha('new'), 'a/c': sha('hello') });
    const object = (content: string) => ({ name: `objects/${sha(content)}`, content });
    const archive = gzipped(rawTar({ name: 'json', content: state }, object('new'), object('hello')));
    const path = file('step.tgz', archive);
    const revision = `locals/${createHash('sha256').update(archive).digest('hex')}`;
    expect(await pvcontrol(['steps', 'install', path])).toEqual(done(`{"revision":"${revision}"}\n`));
    expect(await pvcontrol(['steps', 'install', path, 'locals/named'])).toEqual(done('{"revision":"locals/named"}\n'));
    expect(device.log).toEqual([`install ${revision}`, 'install locals/named']);
    expect((await pvcontrol(['objects', 'get', sha('new')])).stdout).toBe('new');
  });

  it('refuses what is no tarball', async () => {
    expect(await pvcontrol(['steps', 'install', file('step.zip', '')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('.tgz'),
    });
    expect((await pvcontrol(['steps', 'install', file('bad.tgz', 'x')])).code).toBe(1);
  });
});

describe('pvcontrol devmeta and usrmeta', () => {
  it.each(['devmeta', 'usrmeta'])('%s saves, lists and deletes', async (name) => {
    expect(await pvcontrol([name, 'save', 'a.b', 'x "y"'])).toEqual(done());
    expect((await pvcontrol([name, 'ls'])).stdout).toBe('{"a.b":"x \\"y\\""}\n');
    expect((await pvcontrol([name, 'list'])).code).toBe(0);
    expect(await pvcontrol([name, 'delete', 'a.b'])).toEqual(done());
    expect((await pvcontrol([name, 'delete', 'a.b'])).code).toBe(255);
    expect((await pvcontrol([name, 'save', 'empty'])).code).toBe(255);
  });

  it('uploads device metadata only', async () => {
    expect((await pvcontrol(['devmeta', 'upload', 'a', 'x'])).code).toBe(0);
    expect((await pvcontrol(['usrmeta', 'upload', 'a', 'x'])).code).toBe(1);
  });
});

it.each([
  ['config ls', 0, '{"log.level":3}\n'],
  ['conf ls', 0, '[{"key":"PV_LOG_LEVEL","value":"3","modified":"env"}]\n'],
  ['configuration list', 0, '[{"key":"PV_LOG_LEVEL","value":"3","modified":"env"}]\n'],
  ['--table conf ls', 0, 'KEY           VALUE  MODIFIED\nPV_LOG_LEVEL  3      env\n'],
  ['buildinfo', 0, 'pantavisor 0\n\n'],
  ['daemons ls', 0, '[]\n'],
  ['daemons restart hwrngd', 255, ''],
  ['graph ls', 255, ''],
])('pvcontrol %s', async (words, code, stdout) => {
  expect(await pvcontrol(words.split(' '))).toMatchObject({ code, stdout });
});
