import { mkdir, readdir, symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { DeviceError, type Files } from '../../../../runtime/host/host.ts';
import { gzipped, rawTar } from '../../store/tar-builder.ts';
import {
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
  watchThrough,
} from './bench.ts';

useBench();

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
    watchThrough(failing);
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
