import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Device, ready, startDevice } from '../../hack/demonstration/device.ts';
import { drop, follow, sentence } from '../../hack/demonstration/drop.ts';
import { freePort } from '../../hack/demonstration/ports.ts';
import { cgroupOf } from '../../hack/demonstration/sweep.ts';
import { registerCgroup } from './own-cgroups.ts';
import { describeSystem } from './require-root.ts';

const project = resolve(import.meta.dirname, '../..');
const execute = promisify(execFile);

let directory = '';
let device: Device | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pvtest-readme-'));
});
afterEach(async () => {
  await device?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const snippet = (): string => {
  const readme = readFileSync(join(project, 'README.md'), 'utf8');
  const [, script] = /<!-- run by test\/system\/readme\.test\.ts -->\n+```sh\n(.*?)```/s.exec(readme) ?? [];
  if (script === undefined) throw new Error('README.md has no snippet marked for this test');
  return script;
};

describeSystem('the README', () => {
  test('writes a device by hand that a daemon accepts and runs', async () => {
    const PATH = `${join(project, 'dist')}:${process.env['PATH']}`;
    await execute('sh', ['-euc', snippet()], { cwd: directory, env: { ...process.env, PATH } });
    registerCgroup(cgroupOf(directory));
    device = startDevice(directory, await freePort(0), { PV_UPDATER_COMMIT_DELAY: '1' });
    await ready(device, device.died);
    drop(join(directory, 'clock.tgz'), device.watched, 'clock');
    const end = await follow(device.watched, 'clock', () => undefined, device.died);
    expect(sentence(end)).toMatch(/^DONE/);
    const { stdout } = await execute(join(project, 'dist/pvcontrol'), ['-s', device.socket, 'status']);
    expect(stdout).toMatch(/^root +clock +STARTED +STARTED/m);
  });
}, ['lxc', 'loop', 'squashfs']);
