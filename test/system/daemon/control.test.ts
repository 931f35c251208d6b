/** The whole way from outside to a running container: objects, a state, a command, metadata. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type RealState, realState } from './real-state.ts';
import { put } from './sending.ts';
import { until } from './until.ts';

const NOBODY = { run: { roles: ['nobody'] } };

const install = async (device: RealDevice, name: string, state: RealState): Promise<void> => {
  for (const [id, content] of state.objects) expect(await put(device, `/objects/${id}`, content)).toBe(200);
  expect(await put(device, `/steps/locals/${name}`, state.toText())).toBe(200);
};

const command = async (device: RealDevice, op: string, payload: string): Promise<number> =>
  (await device.request('POST', '/commands', { op, payload })).status;

const ended = (device: RealDevice, revision: string): Promise<void> =>
  until(`${revision} is committed`, async () => {
    const { body } = await device.request('GET', `/steps/${revision}/progress`);
    return JSON.parse(body).status === 'DONE';
  });

/** Nobody answers while the device boots. */
const runsAnew = async (device: RealDevice, notPid: number): Promise<boolean> => {
  try {
    const pid = await device.pidOf('web');
    return pid !== undefined && pid !== notPid;
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
};

describeSystem('the control socket', () => {
  test('takes a revision with its objects, and runs it when told to', async ({ device }) => {
    await device.start({ PV_UPDATER_COMMIT_DELAY: '2' });
    await install(device, 'app', realState().container('web').container('sdk'));
    expect(await device.stateOf('web')).toBe('NONE');
    expect(await command(device, 'LOCAL_RUN', 'locals/app')).toBe(200);
    await device.becomes('web', 'STARTED');
    expect(await command(device, 'REBOOT_DEVICE', '')).toBe(503);
    await ended(device, 'locals/app');
    expect(JSON.parse((await device.request('GET', '/steps/current')).body)).toHaveProperty(['web/run.json']);
  });

  test('shows metadata to those whom it is for, also after a crash', async ({ device }) => {
    await device.start();
    await install(device, 'app', realState().container('sdk').container('web', NOBODY));
    expect(await put(device, '/user-meta/web.early', 'bird')).toBe(200);
    await command(device, 'LOCAL_RUN', 'locals/app');
    await ended(device, 'locals/app');
    expect(await put(device, '/user-meta/web.colour', 'red')).toBe(200);
    expect(await put(device, '/user-meta/other.secret', 'x')).toBe(200);
    const seen = async () => [
      await device.read('web', '/pantavisor/user-meta/early'),
      await device.read('web', '/pantavisor/user-meta/colour'),
      await device.read('web', '/pantavisor/user-meta/other.secret'),
      await device.read('sdk', '/pantavisor/user-meta/other.secret'),
      await device.read('sdk', '/pantavisor/device-meta/pantavisor.revision'),
    ];
    const expected = ['bird', 'red', undefined, 'x', 'locals/app'];
    expect(await seen()).toEqual(expected);
    await device.kill();
    await device.start();
    expect(await seen()).toEqual(expected);
    expect((await device.request('DELETE', '/user-meta/web.colour')).status).toBe(200);
    expect(await device.read('web', '/pantavisor/user-meta/colour')).toBeUndefined();
    const about = async () => JSON.parse((await device.request('GET', '/device-meta')).body);
    // A daemon that has just started is not ready before it has seen what runs.
    await until('the device is ready', async () => (await about())['pantavisor.status'] === 'READY');
    expect(await about()).toMatchObject({
      'pantavisor.mode': 'local',
      'pantavisor.uname': { 'kernel.release': readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim() },
    });
  });

  test('reboots the device, and powers it off', async ({ device }) => {
    await device.start();
    await install(device, 'app', realState().container('web'));
    await command(device, 'LOCAL_RUN', 'locals/app');
    await ended(device, 'locals/app');
    const pid = await device.becomes('web', 'STARTED');
    const daemon = device.daemonPid();
    // As clients do with a 503: DONE is told a moment before the update is over.
    await until('the update is over', async () => (await command(device, 'REBOOT_DEVICE', 'to see it')) === 200);
    await until('web runs anew', () => runsAnew(device, pid));
    expect(device.daemonPid()).toBe(daemon);
    await until('nothing is going on', async () => (await command(device, 'POWEROFF_DEVICE', 'night')) === 200);
    await until('the daemon has ended', () => device.log().includes('left nothing behind'));
    expect(await device.stop()).toBe(3);
  });
});
