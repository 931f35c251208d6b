import { mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { firstValueFrom, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { progressOf } from '../../../../resources/progress.ts';
import type { Files } from '../../../../runtime/host/host.ts';
import { incoming } from '../../../../runtime/sources/directory/incoming.ts';
import { sha256 } from '../../../../runtime/store/objects/hash.ts';
import { streamOf } from '../../store/device.ts';
import {
  commit,
  device,
  drop,
  inWatch,
  look,
  ONE,
  proposals,
  restart,
  state,
  statusOf,
  store,
  TWO,
  useBench,
  watching,
} from './bench.ts';
import { readBare } from './read-bare.ts';

useBench();

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

  test('what ended although its status file does not say so is not proposed again', async () => {
    await drop('one.json', ONE);
    await look();
    const unfinished = await readFile(inWatch('one.status.json'));
    await commit('locals/one');
    await drop('two.json', TWO);
    await look();
    await commit('locals/two');
    await writeFile(inWatch('one.status.json'), unfinished);
    await restart();
    await look();
    expect(proposals).toEqual([]);
    expect(await statusOf('one')).toMatchObject({ status: 'DONE', revision: 'locals/one' });
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

  test('what was collected since is not proposed again: it would undo what came after it', async () => {
    await drop('one.json', ONE);
    await look();
    await commit('locals/one');
    await store.propose('locals/by-hand', Buffer.from(TWO));
    await commit('locals/by-hand');
    device.clock.advance(3_600_000);
    await store.collect();
    expect(await store.revisions()).not.toContain('locals/one');
    await restart();
    await look();
    expect(proposals).toEqual([]);
  });

  test('what failed on another storage is tried on this one', async () => {
    await drop('bad.json', state({ 'bad.json': {} }));
    await drop('one.json', ONE);
    await look();
    await store.setProgress('locals/one', progressOf('ERROR', 'Status goal not reached'));
    await watching.report('locals/one', { progress: progressOf('ERROR', 'Status goal not reached') });
    await restart();
    await look();
    expect(proposals).toEqual([]);
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

describe('the source', () => {
  const withWatch = (changes: Subject<void>): Files =>
    new Proxy(device.files, { get: (files, name: keyof Files) => (name === 'watch' ? () => changes : files[name]) });
  const sourceOn = (files: Files) =>
    incoming({
      files,
      clock: device.clock,
      store,
      directory: device.paths.watch,
      read: readBare,
    });

  test('makes the directory and looks at what lies there', async () => {
    await rm(device.paths.watch, { recursive: true });
    const changes = new Subject<void>();
    const proposal = firstValueFrom(sourceOn(withWatch(changes)).proposals);
    await mkdir(device.paths.watch, { recursive: true });
    await drop('web.json', ONE);
    changes.next();
    expect(await proposal).toEqual({ revision: 'locals/web', file: 'web.json', hash: sha256(ONE) });
    expect(changes.observed).toBe(false);
    expect(device.clock.pending()).toBe(0);
  });

  test('notices drops by itself', async () => {
    const proposal = firstValueFrom(sourceOn(device.files).proposals);
    await drop('web.json', ONE);
    expect((await proposal).revision).toBe('locals/web');
  });
});
