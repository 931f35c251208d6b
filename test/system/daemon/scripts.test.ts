/** Scripts written for Pantavisor's own pvcontrol and pvtx, run by /bin/sh against a real daemon. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { describeSystem, onPath } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type RealState, realState } from './real-state.ts';

const SCRIPTS = resolve(import.meta.dirname, '../scripts');
const DIST = resolve(import.meta.dirname, '../../../dist');

/** As tar has them: gzip, bzip2, none. */
const COMPRESSIONS = ['-z', ...(onPath('bzip2') ? ['-j'] : []), '--no-auto-compress'];

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** With what it printed, on either stream. */
const script = (device: RealDevice, name: string, ...args: readonly string[]): Promise<Ended> =>
  new Promise((fulfil, reject) => {
    const env = { ...process.env, PATH: `${DIST}:${process.env['PATH']}`, PVTXDIR: join(device.directory, 'pvtx') };
    const child = spawn('/bin/sh', [join(SCRIPTS, name), join(device.run, 'pv-ctrl'), ...args], {
      env,
      cwd: device.directory,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => fulfil({ code, output }));
    child.stdin.end();
  });

/** As `pvr export` writes it, compressed with that option of tar. */
const exported = ({ directory }: RealDevice, name: string, state: RealState, compression = '-z'): string => {
  const staging = join(directory, `${name}.staging`);
  mkdirSync(join(staging, 'objects'), { recursive: true });
  for (const [id, content] of state.objects) writeFileSync(join(staging, 'objects', id), content);
  writeFileSync(join(staging, 'json'), state.toText());
  const file = join(directory, name);
  execFileSync('tar', ['-C', staging, '-c', compression, '-f', file, 'json', 'objects']);
  return file;
};

const twoApps = () =>
  realState()
    .container('web', { run: { restart_policy: 'container' } })
    .container('sdk', { run: { restart_policy: 'system' } });

describeSystem('scripts', () => {
  test('install an export and wait for it', async ({ device }) => {
    await device.start({ PV_UPDATER_COMMIT_DELAY: '1' });
    const file = exported(device, 'app.tgz', twoApps());
    expect(await script(device, 'install.sh', file, 'locals/app')).toMatchObject({
      code: 0,
      output: expect.stringContaining('installed locals/app'),
    });
    expect(await device.stateOf('web')).toBe('STARTED');
    // While this one is tested the device is busy; the second one waits for it.
    const [first, second] = [
      exported(device, 'b.tgz', twoApps().container('b')),
      exported(device, 'c.tgz', twoApps().container('c')),
    ];
    const both = await Promise.all([
      script(device, 'install.sh', first, 'locals/b'),
      script(device, 'install.sh', second, 'locals/c'),
    ]);
    for (const { code, output } of both) expect([0, 5], output).toContain(code); // 5: the other one runs by now
    expect(['locals/b', 'locals/c']).toContain((await device.status()).revision);
  });

  test('give a revision up that does not come up', async ({ device }) => {
    await device.start();
    const file = exported(
      device,
      'bad.tgz',
      realState().container('bad', { behaviour: 'sleep 1; exit 3', run: { status_goal: 'READY' } }),
    );
    expect(await script(device, 'install.sh', file, 'locals/bad')).toMatchObject({
      code: 2,
      output: expect.stringContaining('failed: '),
    });
  });

  test('stop and start containers', async ({ device }) => {
    await device.start();
    await device.deploy('app', twoApps());
    expect(await script(device, 'containers.sh', 'web', 'sdk')).toEqual({
      code: 0,
      output: expect.stringMatching(/containers work\n$/),
    });
  });

  test('handle metadata', async ({ device }) => {
    await device.start();
    expect(await script(device, 'metadata.sh')).toEqual({
      code: 0,
      output: expect.stringMatching(/metadata works\n$/),
    });
  });

  test('bring objects and revisions', async ({ device }) => {
    await device.start();
    expect(await script(device, 'objects.sh', device.directory)).toEqual({
      code: 0,
      output: expect.stringMatching(/objects work\n$/),
    });
  });

  test('notice a full device by its code, and a device that is not there', async ({ device }) => {
    // Nothing of the disk is for objects.
    await device.start({ PV_STORAGE_GC_RESERVED: '100' });
    expect(await script(device, 'no-room.sh', device.directory)).toEqual({
      code: 0,
      output: 'no space left on the device\nnobody there\n',
    });
  });

  test.for(COMPRESSIONS)(
    'change what runs by a transaction, with a tarball of tar %s',
    async (compression, { device }) => {
      await device.start();
      await device.deploy('app', twoApps().container('old'));
      const before = await device.becomes('sdk', 'STARTED');
      const file = exported(
        device,
        'web.tar',
        realState().container('web', {
          files: { 'new.txt': 'new' },
          run: { restart_policy: 'container' },
        }),
        compression,
      );
      const { code, output } = await script(device, 'transaction.sh', file, 'old');
      expect(output).toMatch(/runs locals\/pvtx-\d+-[0-9a-f]{8}-\d+\n$/);
      expect(code).toBe(0);
      const state = JSON.parse((await device.request('GET', '/steps/current')).body);
      expect(Object.keys(state).filter((key) => key.startsWith('old/'))).toEqual([]);
      expect(state).toHaveProperty(['web/new.txt']);
      expect(await device.stateOf('old')).toBe('NONE');
      // What the transaction did not touch goes on running.
      expect(await device.pidOf('sdk')).toBe(before);
    },
  );

  test('deploy a state as a directory', async ({ device }) => {
    const pvtx = (...args: readonly string[]): string =>
      execFileSync(join(DIST, 'pvtx'), args, {
        env: { ...process.env, PVTXDIR: join(device.directory, 'pvtx') },
        encoding: 'utf8',
      });
    const [objects, out] = [join(device.directory, 'objects'), join(device.directory, 'out')];
    pvtx('begin', 'empty', objects);
    pvtx('add', exported(device, 'web.tgz', realState().container('web', { files: { hello: 'hello' } })));
    pvtx('deploy', out);
    expect(readFileSync(join(out, 'web/hello'), 'utf8')).toBe('hello');
    expect(JSON.parse(readFileSync(join(out, '.pvr/json'), 'utf8'))).toHaveProperty(['web/run.json']);
    expect(existsSync(`${out}.bak`)).toBe(false);
    await device.start();
  });
}, ['lxc', 'squashfs']);
