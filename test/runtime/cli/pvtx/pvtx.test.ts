import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../../../runtime/api/api.ts';
import { transactionDirectory } from '../../../../runtime/cli/pvtx/session.ts';
import { lockDirectories } from '../../../../runtime/host/linux/files/lock.ts';
import { sha256 } from '../../../state-builder.ts';
import { onPath } from '../../../system/require-root.ts';
import { container, type FakeDevice, fakeDevice, snapshotOf } from '../../api/fixture.ts';
import { gzipped, rawTar } from '../../store/tar-builder.ts';
import { documentOf, objectOf } from '../../transaction/workshop.ts';
import { type Ended, runProgram } from '../run-program.ts';

let device: FakeDevice;
let api: Api;
let directory: string;
beforeAll(async () => {
  device = fakeDevice(snapshotOf([container('web')]));
  api = await startApi(device.deps);
});
afterAll(async () => {
  await api.stop();
  device.remove();
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pvtest-pvtx-'));
  device.log.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true }));

const env = () => ({ PVTXDIR: join(directory, 'pvtx') });
const pvtx = (words: string, input?: string): Promise<Ended> =>
  runProgram('pvtx', ['-s', device.deps.socketPath, ...words.split(' ')], { env: env(), ...(input && { input }) });
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};
const done = (stdout = '') => ({ code: 0, stdout, stderr: '' });

const ROOT = 'root of web';
const WEB = { 'web/root.squashfs': `"${sha256(ROOT)}"`, 'web/run.json': '{"name":"web"}' };
const tar = rawTar({ name: 'json', content: documentOf(WEB) }, objectOf(ROOT));

// Every command is a process of its own.
describe('pvtx', { timeout: 30_000 }, () => {
  it('makes a revision of what is added, and puts it on the device', async () => {
    expect(await pvtx('begin empty')).toEqual(done());
    expect(await pvtx(`add ${file('web.tgz', gzipped(tar))}`)).toEqual(done());
    expect(await pvtx('show')).toEqual(done(`${documentOf(WEB)}\n`));
    expect(await pvtx('commit locals/web')).toEqual(done('locals/web\n'));
    expect(device.log).toEqual(['install locals/web']);
    expect((await pvtx('begin')).stderr).toContain('404');
  });

  it('makes up a name for it', async () => {
    await pvtx('begin empty');
    const { stdout } = await pvtx('commit');
    expect(stdout).toMatch(new RegExp(`^locals/pvtx-\\d{10}-${sha256(documentOf()).slice(0, 8)}-\\d{1,3}\\n$`));
  });

  it('reads standard input', async () => {
    await pvtx('begin empty');
    expect(await pvtx('add -', documentOf({ 'a/run.json': '{}' }))).toEqual(done());
    expect(await pvtx('add -x', documentOf({ 'b/run.json': '{}' }))).toEqual(done());
    expect((await pvtx('show')).stdout).toBe(`${documentOf({ 'a/run.json': '{}', 'b/run.json': '{}' })}\n`);
  });

  it.skipIf(!onPath('bzip2'))('reads bzip2, and says what is wrong with it', async () => {
    await pvtx('begin empty');
    const packed = execFileSync('bzip2', ['-c'], { input: tar });
    expect(await pvtx(`add ${file('web.tar.bz2', packed)}`)).toEqual(done());
    expect((await pvtx('show')).stdout).toBe(`${documentOf(WEB)}\n`);
    packed.fill(7, 40, 60);
    expect(await pvtx(`add ${file('bad.tar.bz2', packed)}`)).toMatchObject({
      code: 255,
      stderr: /^ERROR: add: bunzip2/,
    });
    const bare = await runProgram('pvtx', ['add', join(directory, 'web.tar.bz2')], {
      env: { ...env(), PATH: '/nowhere' },
    });
    expect(bare).toMatchObject({ code: 255, stderr: expect.stringContaining('bzip2 cannot be run here') });
  });

  it.each<[string, string, number, RegExp]>([
    ['add', 'begin empty', 255, /^ERROR: add: the file to add is missing/],
    ['add /nowhere/x.tgz', 'begin empty', 255, /^ERROR: add: .*ENOENT/],
    ['remove', 'begin empty', 4, /^ERROR: remove: which part/],
    ['deploy', 'begin empty', 1, /^ERROR: deploy: the directory is missing/],
    ['queue new', '', 1, /^ERROR: queue new: the queue is missing/],
    ['begin current', '', 255, /^ERROR: begin: 404\nResponse: /],
    ['explode', '', 255, /^ERROR: command process: sub command not found: explode/],
  ])('%s after %j exits with %i', async (words, before, code, stderr) => {
    if (before !== '') await pvtx(before);
    expect(await pvtx(words)).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(stderr) });
  });

  it('tells which objects the device refused, as HTTP does', async () => {
    await pvtx('begin empty');
    const object = { name: `objects/${sha256('a')}`, content: 'too much' };
    const answer = await pvtx(`add ${file('big.tar', rawTar({ name: 'json', content: documentOf() }, object))}`);
    expect(answer).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/^ERROR: add: 507\nResponse: .*disk space/),
    });
    expect((await pvtx('show')).stdout).toBe(`${documentOf()}\n`);
  });

  it('deploys a local transaction', async () => {
    const out = join(directory, 'out');
    await pvtx(`begin empty ${join(directory, 'objects')}`);
    expect(await pvtx(`add ${file('web.tar', tar)}`)).toEqual(done());
    expect(await pvtx('commit')).toMatchObject({ code: 12 });
    expect(await pvtx(`deploy ${out}`)).toEqual(done());
    expect(readFileSync(join(out, 'web/root.squashfs'), 'utf8')).toBe(ROOT);
    expect(device.log).toEqual([]);
  });

  it('processes a queue', async () => {
    const [queue, objects] = [join(directory, 'queue'), join(directory, 'objects')];
    await pvtx(`q new ${queue} ${objects}`);
    expect(await pvtx(`q unpack ${file('web.tar', tar)}`)).toEqual(done());
    expect(await pvtx('q remove web/run.json')).toEqual(done());
    await pvtx('begin empty');
    expect(await pvtx('q process')).toEqual(done());
    expect(Object.keys(JSON.parse((await pvtx('show')).stdout))).toEqual(['#spec', 'web/root.squashfs']);
  });

  it('lets nobody else in meanwhile', async () => {
    await pvtx('begin empty');
    const unlock = lockDirectories([env().PVTXDIR]);
    expect(await pvtx('show')).toMatchObject({ code: 75, stderr: expect.stringContaining('another pvtx works in') });
    unlock();
    expect((await pvtx('show')).code).toBe(0);
  });

  it("touches no directory that is somebody else's", async () => {
    mkdirSync(env().PVTXDIR);
    writeFileSync(join(env().PVTXDIR, 'thesis.tex'), 'x');
    for (const words of ['show', 'begin empty', 'abort', 'q new /tmp/q /tmp/o'])
      expect(await pvtx(words)).toMatchObject({ code: 255, stderr: expect.stringContaining('thesis.tex') });
    expect(existsSync(join(env().PVTXDIR, '.pantavisor.lock'))).toBe(false);
  });

  it('says which socket it tried', async () => {
    expect(await runProgram('pvtx', ['-s', '/nowhere', 'begin'], { env: env() })).toEqual({
      code: 255,
      stdout: '',
      stderr: expect.stringMatching(/^ERROR: begin: no control socket at \/nowhere \(from -s\)/),
    });
  });

  it('completes commands, parts of the state that runs, and where to begin', async () => {
    // Of the fake device the revision locals/a runs.
    const asked = (...line: readonly string[]) =>
      runProgram('pvtx', ['-s', device.deps.socketPath, '__complete', '--', ...line]);
    await device.deps.installing.install(
      'locals/a',
      Buffer.from(documentOf(WEB, { 'db/run.json': '{}', '_sigs/db.json': '{}' })),
    );
    expect((await asked('remove', '')).stdout).toBe('web\ndb\n');
    expect((await asked('begin', 'e')).stdout).toBe('empty\n');
    expect((await asked('queue', 'un')).stdout).toBe('unpack\n');
  });

  it('helps', async () => {
    expect(await runProgram('pvtx', [])).toMatchObject({ code: 255, stdout: expect.stringContaining('Examples:') });
    expect(await runProgram('pvtx', ['help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Examples:') });
    expect((await runProgram('pvtx', ['add', '--help'])).stdout).toContain('bzip2');
  });
});

it('is pvcontrol tx, too', { timeout: 30_000 }, async () => {
  const tx = (words: string): Promise<Ended> =>
    runProgram('pvcontrol', ['-s', device.deps.socketPath, 'tx', ...words.split(' ')], { env: env() });
  expect(await tx('begin empty')).toEqual(done());
  expect(await tx(`add ${file('web.tar', tar)}`)).toEqual(done());
  expect(await pvtx('show')).toEqual(done(`${documentOf(WEB)}\n`));
  expect(await tx('commit locals/web')).toEqual(done('locals/web\n'));
  expect(await tx('show')).toMatchObject({ code: 11, stderr: expect.stringMatching(/^ERROR: show: /) });
});

it.each([
  [{}, true, '/var/cache/pvtx'],
  [{ PREFIX: '/opt/pv' }, true, '/opt/pv/var/cache/pvtx'],
  [{ HOME: '/home/ann' }, false, '/home/ann/.local/share/pvtx'],
  [{ PVTXDIR: '/tx', HOME: '/home/ann' }, false, '/tx'],
])('is kept for %j, root: %j, in %s', (variables, isRoot, place) => {
  expect(transactionDirectory(variables, isRoot)).toBe(place);
});
