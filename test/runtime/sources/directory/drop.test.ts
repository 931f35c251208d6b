import { readdir, rename } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { MESSAGE, progressOf } from '../../../../resources/progress.ts';
import { sha256 } from '../../../../runtime/store/objects/hash.ts';
import { gzipped, rawTar } from '../../store/tar-builder.ts';
import {
  commit,
  device,
  drop,
  inWatch,
  look,
  ONE,
  proposals,
  state,
  statusOf,
  store,
  TWO,
  useBench,
  watching,
} from './bench.ts';

useBench();

describe('a whole drop', () => {
  test('is stored, proposed and spoken of', async () => {
    await drop('web.json', ONE);
    expect(await look()).toBeUndefined();
    expect(proposals).toEqual(['locals/web']);
    expect((await store.document('locals/web'))?.toString()).toBe(ONE);
    const { time, source, storage, ...rest } = await statusOf('web');
    expect(storage).toBe(store.identity);
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
    proposals.length = 0;
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
    await drop('twin.json', ONE);
    await look();
    expect(proposals).toEqual([]);
    expect(await statusOf('twin')).toMatchObject({ status: 'ERROR', reason: 'web: exit 1' });
    expect(await store.document('locals/twin')).toBeUndefined();
  });

  test('is told why while it is being rolled back', async () => {
    const hash = (await store.hash('locals/web')) ?? '';
    const failure = {
      revision: 'locals/web',
      hash,
      status: 'ERROR',
      message: MESSAGE.goalMissed,
      detail: 'exit 1',
    } as const;
    await store.setTrying('locals/web');
    await store.recordFailure(failure);
    await store.setProgress('locals/web', progressOf('ERROR', MESSAGE.goalMissed));
    await again();
    expect(await statusOf('web')).toMatchObject({ status: 'ERROR', reason: 'exit 1' });
  });

  test('is tried again when it was only called off', async () => {
    const hash = (await store.hash('locals/web')) ?? '';
    const message = 'Update aborted';
    await store.recordFailure({ revision: 'locals/web', hash, status: 'CANCELLED', message, detail: 'superseded' });
    await again();
    expect(proposals).toEqual(['locals/web']);
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
