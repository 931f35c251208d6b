import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leftovers, removeDirectory, sweep } from '../../hack/demonstration/sweep.ts';
import { describeSystem } from './require-root.ts';

let device = '';
let victim = '';
beforeEach(() => {
  device = mkdtempSync(join(tmpdir(), 'pvtest-sweep-'));
  victim = mkdtempSync(join(tmpdir(), 'pvtest-victim-'));
  writeFileSync(join(victim, 'precious'), 'data');
});
afterEach(async () => {
  await sweep(device);
  removeDirectory(victim);
});

const directory = (name: string): string => {
  mkdirSync(join(device, name));
  return join(device, name);
};

describeSystem('the sweep after a device that could not clean up', () => {
  test('ends its processes, unmounts its images and removes its directory', async () => {
    const image = join(device, 'image.squashfs');
    execFileSync('mksquashfs', [victim, image, '-quiet', '-no-progress']);
    execFileSync('mount', ['-o', 'loop', image, directory('volume')]);
    const deaf = ['-c', 'trap "" TERM; while :; do sleep 1; done'];
    const child = spawn('sh', deaf, {
      env: { ...process.env, PV_STORAGE_MNTPOINT: `${device}/storage` },
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    await sweep(device);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(leftovers(device)).toEqual([]);
    expect(existsSync(device)).toBe(false);
  });

  test('never deletes what is only mounted there', async () => {
    execFileSync('mount', ['--bind', victim, directory('bound')]);
    expect(() => removeDirectory(device)).toThrow(/mounted there/);
    await sweep(device);
    expect(readFileSync(join(victim, 'precious'), 'utf8')).toBe('data');
  });

  test('lets be whoever only looks at its files', async () => {
    writeFileSync(join(device, 'daemon.log'), '');
    const reader = spawn('tail', ['-f', join(device, 'daemon.log')], { stdio: 'ignore' });
    await once(reader, 'spawn');
    await sweep(device);
    expect(reader.exitCode).toBeNull();
    expect(reader.signalCode).toBeNull();
    const ended = once(reader, 'exit');
    reader.kill();
    await ended;
  });
}, ['loop', 'squashfs']);
