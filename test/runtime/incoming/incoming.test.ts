import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { firstValueFrom, Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { problemWith } from '../../../resources/problem.ts';
import { MESSAGE, progressOf } from '../../../resources/progress.ts';
import { DeviceError, type Files } from '../../../runtime/host/host.ts';
import { incoming, type Proposal } from '../../../runtime/incoming/incoming.ts';
import { openStatusFiles } from '../../../runtime/incoming/status-file.ts';
import { Watching } from '../../../runtime/incoming/watching.ts';
import { sha256 } from '../../../runtime/store/hash.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { streamOf, type TestDevice, testDevice } from '../store/device.ts';
import { gzipped, rawTar } from '../store/tar-builder.ts';

let device: TestDevice;
let store: Store;
let proposals: string[];
let watching: Watching;
beforeEach(async () => {
  device = await testDevice();
  await mkdir(`${device.root}/storage/incoming/objects`, { recursive: true });
  await restart();
});
afterEach(() => device.remove());

/** As after a restart of the daemon: nothing is remembered but what lies on the disk. */
const restart = async (): Promise<void> => {
  store = await device.reopen();
  proposals = [];
  watching = watchingWith(device.files);
};
const watchingWith = (files: Files): Watching =>
  new Watching({
    files,
    clock: device.clock,
    store,
    directory: device.paths.watch,
    statusFiles: openStatusFiles(device.files, device.clock, device.paths.watch),
    validate: ({ entries }) => (entries.has('bad.json') ? [problemWith('bad.json', 'there', 'no such key')] : []),
    onProblem: (subject, message) => device.problems.push(`${subject}: ${message}`),
    propose: ({ revision }: Proposal) => proposals.push(revision),
  });

const inWatch = (file: string): string => `${device.paths.watch}/${file}`;
const drop = (file: string, content: string | Uint8Array): Promise<void> => writeFile(inWatch(file), content);
const look = (): Promise<number | undefined> => watching.look();
const statusOf = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(inWatch(`${name}.status.json`), 'utf8'));
const state = (extra: Record<string, unknown> = {}): string =>
  JSON.stringify({ '#spec': 'pantavisor-service-system@1', ...extra });
const [ONE, TWO] = [state({ 'one.json': {} }), state({ 'two.json': {} })];
const commit = async (revision: string): Promise<void> => {
  await store.setProgress(revision, progressOf('DONE', MESSAGE.done));
  await store.commit(revision);
  await watching.report(revision, { progress: progressOf('DONE', MESSAGE.done) });
};

describe('a whole drop', () => {
  test('is stored, proposed and spoken of', async () => {
    await drop('web.json', ONE);
    expect(await look()).toBeUndefined();
    expect(proposals).toEqual(['locals/web']);
    expect((await store.document('locals/web'))?.toString()).toBe(ONE);
    const { time, source, ...rest } = await statusOf('web');
    expect(rest).toEqual({
      revision: 'locals/web',
      status: 'NEW',
      'status-msg': 'Update ready to be run',
      progress: 0,
      hash: await store.hash('locals/web'),
    });
    expect(time).toBe(device.clock.wallTime().toISOString());
    expect((await device.files.stat(inWatch('web.status.json')))?.mode).toBe(0o644);
  });

  test('is proposed once, however often it is looked at', async () => {
    await drop('web.json', ONE);
    for (let times = 0; times < 3; times++) await look();
    expect(proposals).toEqual(['locals/web']);
  });

  test.each([
    ['x.tgz', true],
    ['x.tar.gz', true],
    ['x.tar', false],
    ['x.tar', true],
  ])('as %s (gzip %s) brings its objects', async (file, gzip) => {
    const id = sha256('content');
    const tar = rawTar(
      { name: `objects/${id}`, content: 'content' },
      { name: 'json', content: state({ 'app/x': id }) },
    );
    await drop(file, gzip ? gzipped(tar) : tar);
    await look();
    expect(proposals).toEqual(['locals/x']);
    expect(await store.verifyObject(id)).toBe('sound');
  });

  test('is followed to its end, and the status is written only when it changes', async () => {
    await drop('web.json', ONE);
    await look();
    const waitingOn = [{ resource: 'container/web', reason: 'starts' }];
    await watching.report('locals/web', { progress: progressOf('INPROGRESS', MESSAGE.trying), waitingOn });
    expect(await statusOf('web')).toMatchObject({ status: 'INPROGRESS', progress: 50, waitingOn });
    const before = await device.files.stat(inWatch('web.status.json'));
    device.clock.advance(5000);
    await watching.report('locals/web', { progress: progressOf('INPROGRESS', MESSAGE.trying), waitingOn });
    expect(await device.files.stat(inWatch('web.status.json'))).toEqual(before);
    await watching.report('locals/web', { progress: progressOf('ERROR', MESSAGE.goalMissed), reason: 'web: exit 1' });
    const status = await statusOf('web');
    expect(status).toMatchObject({ status: 'ERROR', 'status-msg': 'Status goal not reached', reason: 'web: exit 1' });
    expect(status).not.toHaveProperty('waitingOn');
  });

  test('reports on revisions from elsewhere write nothing', async () => {
    await watching.report('7', { progress: progressOf('DONE', MESSAGE.done) });
    expect(await readdir(device.paths.watch)).toEqual(['objects']);
  });
});

describe('the same content again', () => {
  beforeEach(async () => {
    await drop('web.json', ONE);
    await look();
    proposals = [];
  });
  const again = async (): Promise<void> => {
    await drop('web.json.new', ` ${ONE}\n`);
    await rename(inWatch('web.json.new'), inWatch('web.json'));
    await look();
  };

  test('is a no-op when it is committed', async () => {
    await commit('locals/web');
    await again();
    expect(proposals).toEqual([]);
    expect(await statusOf('web')).toMatchObject({ revision: 'locals/web', status: 'DONE' });
  });

  test('is a no-op while it is on trial', async () => {
    await store.setTrying('locals/web');
    await again();
    expect(proposals).toEqual([]);
  });

  test('is a no-op when it failed, and says why it did', async () => {
    const hash = (await store.hash('locals/web')) ?? '';
    await store.recordFailure({
      revision: 'locals/web',
      hash,
      status: 'ERROR',
      message: MESSAGE.goalMissed,
      detail: 'web: exit 1',
    });
    await again();
    expect(proposals).toEqual([]);
    expect(await statusOf('web')).toMatchObject({ status: 'ERROR', reason: 'web: exit 1' });
  });

  test('goes back to it when another one was committed since', async () => {
    await commit('locals/web');
    await drop('other.json', TWO);
    await look();
    await commit('locals/other');
    await again();
    expect(proposals).toEqual(['locals/other', 'locals/web']);
  });

  test('goes back to the committed one while another one is on trial', async () => {
    await commit('locals/web');
    await drop('other.json', TWO);
    await look();
    await store.setTrying('locals/other');
    await again();
    expect(proposals).toEqual(['locals/other', 'locals/web']);
    expect(await store.progress('locals/web')).toMatchObject({ status: 'DONE' });
  });
});

describe('other content under the same name', () => {
  test('replaces a revision that nobody runs', async () => {
    await drop('web.json', ONE);
    await look();
    await drop('web.json', TWO);
    await look();
    expect(proposals).toEqual(['locals/web', 'locals/web']);
    expect((await store.document('locals/web'))?.toString()).toBe(TWO);
  });

  test.each(['committed', 'on trial'])('gets a name of its own when the old one is %s', async (use) => {
    await drop('web.json', ONE);
    await look();
    await (use === 'committed' ? commit('locals/web') : store.setTrying('locals/web'));
    await drop('web.json', TWO);
    await look();
    const distinct = `locals/web-${sha256(TWO).slice(0, 8)}`;
    expect(proposals).toEqual(['locals/web', distinct]);
    expect((await store.document('locals/web'))?.toString()).toBe(ONE);
    expect(await statusOf('web')).toMatchObject({ revision: distinct, status: 'NEW' });
  });

  test('a name of 64 characters is cut for it', async () => {
    const name = 'a'.repeat(64);
    await drop(`${name}.json`, ONE);
    await look();
    await commit(`locals/${name}`);
    await drop(`${name}.json`, TWO);
    await look();
    expect(proposals[1]).toMatch(/^locals\/a{55}-[0-9a-f]{8}$/);
  });
});

describe('a half-written file', () => {
  test('is no error, and is proposed when the rest arrives', async () => {
    await drop('web.json', ONE.slice(0, 20));
    expect(await look()).toBe(device.clock.nowMs() + 500);
    expect(await readdir(device.paths.watch)).toEqual(['objects', 'web.json']);
    device.clock.advance(400);
    await drop('web.json', ONE);
    expect(await look()).toBeUndefined();
    expect(proposals).toEqual(['locals/web']);
  });

  test('is still being written as long as it changes', async () => {
    for (let length = 1; length < 20; length++) {
      await drop('web.json', ONE.slice(0, length));
      await look();
      device.clock.advance(499);
    }
    await look();
    expect(await readdir(device.paths.watch)).toEqual(['objects', 'web.json']);
  });

  test.each([
    ['web.json', ONE.slice(0, 20), /line 1/],
    ['web.json', '', /.+/],
    ['web.tgz', gzipped(rawTar({ name: 'json', content: ONE })).subarray(0, 60), /ends too early/],
    ['web.tar', 'not a tarball', /ends too early/],
  ])('%s %# is broken when it was left alone, and changes nothing', async (file, content, problem) => {
    await drop(file, content);
    await look();
    device.clock.advance(500);
    expect(await look()).toBeUndefined();
    const status = await statusOf('web');
    expect(status).toMatchObject({ status: 'WONTGO', 'status-msg': 'State JSON has bad format' });
    expect(String(status['problems'])).toMatch(problem);
    expect(proposals).toEqual([]);
    expect(await store.revisions()).toEqual(['0']);
    expect(await store.bootVariables()).toEqual({ committed: '0' });
  });

  test('a broken one that is repaired is used', async () => {
    await drop('web.json', '{');
    await look();
    device.clock.advance(500);
    await look();
    await drop('web.json', ONE);
    await look();
    expect(proposals).toEqual(['locals/web']);
    expect(await statusOf('web')).not.toHaveProperty('problems');
  });
});

describe('refused at once, with all reasons', () => {
  test('whole JSON that is no state', async () => {
    await drop('web.json', JSON.stringify({ '#spec': 'x', a: 'b', '../c.json': {} }));
    expect(await look()).toBeUndefined();
    expect((await statusOf('web'))['problems']).toHaveLength(3);
  });

  test('a state that cannot be run here', async () => {
    await drop('web.json', state({ 'bad.json': {} }));
    await look();
    expect(await statusOf('web')).toMatchObject({
      status: 'WONTGO',
      problems: ['bad.json is there, expected no such key'],
    });
  });

  test.each(['we b', 'ü', `${'a'.repeat(65)}`, '-x', 'a:b'])('the name %j', async (name) => {
    await drop(`${name}.json`, ONE);
    await look();
    expect(await statusOf(name)).toMatchObject({ status: 'WONTGO' });
    expect(String((await statusOf(name))['problems'])).toContain('cannot become a revision locals/<name>: expected');
    expect(proposals).toEqual([]);
  });

  test('a name so long that no status fits beside it', async () => {
    await drop(`${'a'.repeat(250)}.json`, ONE);
    expect(await look()).toBeUndefined();
    expect(device.problems[0]).toContain('at most 64 characters');
  });

  test('a symlink', async () => {
    await symlink('/etc/passwd', inWatch('web.json'));
    await look();
    expect(await statusOf('web')).toMatchObject({
      problems: ['web.json: expected a regular file, but it is a symlink'],
    });
  });

  test('a document beyond all limits', async () => {
    await drop('web.json', Buffer.alloc(9 * 1024 * 1024, ' '));
    await look();
    device.clock.advance(500);
    await look();
    expect(await statusOf('web')).toMatchObject({ status: 'WONTGO' });
  });
});

test.each([
  '.web.json',
  '.web.json.swp',
  'web.json~',
  'web.json.part',
  'web.json.tmp',
  'web.tmp',
  '4913',
  '#web.json#',
  '~web.json',
  'web.status.json',
  'README',
])('%s is not a drop', async (file) => {
  await drop(file, ONE);
  await mkdir(inWatch('directory.json'));
  expect(await look()).toBeUndefined();
  expect(await readdir(device.paths.watch)).toEqual([file, 'directory.json', 'objects'].sort());
  expect(proposals).toEqual([]);
});

describe('objects', () => {
  const [a, b] = [sha256('a'), sha256('b')];
  const needsBoth = state({ 'app/a': a, 'app/b': b });

  test('are taken from beside the drop, as copies', async () => {
    await store.putObject(a, streamOf('a'), 10);
    await drop(`objects/${b}`, 'b');
    await drop('web.json', needsBoth);
    await look();
    expect(proposals).toEqual(['locals/web']);
    expect(await store.verifyObject(b)).toBe('sound');
    await drop(`objects/${b}`, 'scribbled');
    expect(await store.verifyObject(b)).toBe('sound');
  });

  test('that are missing are waited for without a timer', async () => {
    await drop('web.json', needsBoth);
    expect(await look()).toBeUndefined();
    expect(await statusOf('web')).toMatchObject({
      status: 'QUEUED',
      waitingOn: [
        { resource: `object/${a}`, reason: `for app/a: neither in the store nor at ${inWatch(`objects/${a}`)}` },
        { resource: `object/${b}` },
      ],
    });
    await drop(`objects/${a}`, 'a');
    await look();
    expect((await statusOf('web'))['waitingOn']).toHaveLength(1);
    expect(proposals).toEqual([]);
    await drop(`objects/${b}`, 'b');
    await look();
    expect(proposals).toEqual(['locals/web']);
    expect(await statusOf('web')).not.toHaveProperty('waitingOn');
  });

  test('that are half-copied are waited for', async () => {
    await drop('web.json', state({ 'app/x': sha256('whole content') }));
    await drop(`objects/${sha256('whole content')}`, 'whole');
    await look();
    expect(JSON.stringify(await statusOf('web'))).toContain('cannot be used: object');
    await drop(`objects/${sha256('whole content')}`, 'whole content');
    await look();
    expect(proposals).toEqual(['locals/web']);
  });

  test('that are symlinks are not followed', async () => {
    await drop('secret', 'a');
    await symlink(inWatch('secret'), inWatch(`objects/${a}`));
    await drop('web.json', state({ 'app/a': a }));
    await look();
    expect(JSON.stringify(await statusOf('web'))).toContain('but it is a symlink');
    expect(await store.missingObjects([a])).toEqual([a]);
  });
});

describe('several drops', () => {
  const at = (file: string, seconds: number): Promise<void> => utimes(inWatch(file), seconds, seconds);

  test('a newer one supersedes one that was proposed but has no end yet', async () => {
    await drop('one.json', ONE);
    await look();
    await drop('two.json', TWO);
    await look();
    expect(proposals).toEqual(['locals/one', 'locals/two']);
    expect(await statusOf('one')).toMatchObject({ status: 'CANCELLED', reason: 'superseded by two.json' });
  });

  test('an older one whose objects come late is not proposed', async () => {
    await drop('one.json', state({ 'app/a': sha256('a') }));
    await look();
    await drop('two.json', TWO);
    await look();
    await drop(`objects/${sha256('a')}`, 'a');
    await look();
    expect(proposals).toEqual(['locals/two']);
    expect(await statusOf('one')).toMatchObject({ status: 'CANCELLED' });
  });

  test('a broken newer one does not hold up an older one', async () => {
    await drop('one.json', state({ 'app/a': sha256('a') }));
    await look();
    await drop('two.json', '[]');
    await look();
    await drop(`objects/${sha256('a')}`, 'a');
    await look();
    expect(proposals).toEqual(['locals/one']);
  });

  test('at the start the newest by modification time wins', async () => {
    await drop('a-newest.json', ONE);
    await drop('b-older.json', TWO);
    await drop('c-broken.json', '[]');
    await at('a-newest.json', 2000);
    await at('b-older.json', 1000);
    await at('c-broken.json', 3000);
    await look();
    expect(proposals).toEqual(['locals/a-newest']);
    expect(await statusOf('b-older')).toMatchObject({ status: 'CANCELLED' });
  });

  test('what an earlier daemon has judged is not looked at again', async () => {
    await drop('one.json', ONE);
    await look();
    await drop('two.json', TWO);
    await look();
    await commit('locals/two');
    await drop('bad.json', '[]');
    await look();
    await restart();
    await look();
    expect(proposals).toEqual([]);
    await restart();
    await rm(inWatch('one.status.json'));
    await rm(inWatch('two.status.json'));
    await at('one.json', 1000);
    await look();
    expect(proposals).toEqual([]);
  });

  test('what an earlier daemon had not finished is proposed again', async () => {
    await drop('one.json', ONE);
    await look();
    await restart();
    await look();
    expect(proposals).toEqual(['locals/one']);
  });

  test('a drop that says DONE is used when the storage is a new one', async () => {
    await drop('one.json', ONE);
    await look();
    await commit('locals/one');
    for (const name of ['trails', 'boot']) await rm(`${device.paths.storage}/${name}`, { recursive: true });
    await restart();
    await look();
    expect(proposals).toEqual(['locals/one']);
  });

  test('a drop made while no daemon ran is used', async () => {
    await drop('one.json', ONE);
    await look();
    await commit('locals/one');
    await drop('one.json', TWO);
    await restart();
    await look();
    expect(proposals).toEqual([`locals/one-${sha256(TWO).slice(0, 8)}`]);
  });
});

describe('when the device says no', () => {
  test('one drop is tried again later, the others are not held up', async () => {
    let isFailing = true;
    const failing = new Proxy(device.files, {
      get: (files, name: keyof Files) =>
        name === 'read' && isFailing
          ? (path: string, maxBytes: number) =>
              path.endsWith('one.json')
                ? Promise.reject(new DeviceError('read', path, 'EIO'))
                : files.read(path, maxBytes)
          : files[name],
    });
    watching = watchingWith(failing);
    await drop('one.json', ONE);
    await drop('two.json', TWO);
    const startMs = device.clock.nowMs();
    expect(await look()).toBe(startMs + 5000);
    expect(proposals).toEqual(['locals/two']);
    device.clock.advance(5000);
    expect(await look()).toBe(startMs + 5000 + 10_000);
    expect(device.problems).toHaveLength(2);
    isFailing = false;
    device.clock.advance(10_000);
    expect(await look()).toBeUndefined();
  });
});

describe('the source', () => {
  const withWatch = (changes: Subject<void>): Files =>
    new Proxy(device.files, { get: (files, name: keyof Files) => (name === 'watch' ? () => changes : files[name]) });
  const sourceOn = (files: Files) =>
    incoming({ files, clock: device.clock, store, directory: device.paths.watch, validate: () => [] });

  test('makes the directory and looks at what lies there', async () => {
    await rm(device.paths.watch, { recursive: true });
    const changes = new Subject<void>();
    const proposal = firstValueFrom(sourceOn(withWatch(changes)).proposals);
    await mkdir(device.paths.watch, { recursive: true });
    await drop('web.json', ONE);
    changes.next();
    expect(await proposal).toEqual({ revision: 'locals/web', hash: sha256(ONE) });
    expect(changes.observed).toBe(false);
    expect(device.clock.pending()).toBe(0);
  });

  test('notices drops by itself', async () => {
    const proposal = firstValueFrom(sourceOn(device.files).proposals);
    await drop('web.json', ONE);
    expect((await proposal).revision).toBe('locals/web');
  });
});
