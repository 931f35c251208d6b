/** What the operator wants of a container stays so: over the daemon's death, and over updates of something else. */
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';
import { until } from './until.ts';

const OURS = { run: { restart_policy: 'container' } };

const order = async (device: RealDevice, name: string, action: string) => {
  const { status, body } = await device.request('PUT', `/containers/${name}`, { action });
  return [status, body];
};

interface Listed {
  readonly name: string;
  readonly status: string;
  readonly user_stopped?: string;
}
const listed = async (device: RealDevice, name: string): Promise<Listed | undefined> =>
  (JSON.parse((await device.request('GET', '/containers')).body) as Listed[]).find((each) => each.name === name);

describeSystem('an order of the operator', () => {
  test('holds over the death of the daemon and updates of something else', async ({ device }) => {
    await device.start();
    const state = realState().container('web', OURS).container('other', OURS);
    await device.deploy('one', state);
    const other = await device.pidOf('other');
    expect(await order(device, 'web', 'stop')).toEqual([200, '']);
    await device.becomes('web', 'STOPPED');
    const stopped = { status: 'STOPPED', user_stopped: 'true' };
    expect(await listed(device, 'web')).toMatchObject(stopped);

    await device.kill();
    await device.start();
    await device.becomes('other', 'STARTED');
    expect(await listed(device, 'web')).toMatchObject(stopped);
    expect(await device.deploy('two', state.container('third'))).toMatchObject({ status: 'DONE' });
    expect(await listed(device, 'web')).toMatchObject(stopped);
    expect(await device.pidOf('other')).toBe(other);

    expect(await order(device, 'web', 'start')).toEqual([200, '']);
    const pid = await device.becomes('web', 'STARTED');
    expect(await order(device, 'web', 'start')).toEqual([200, '']);
    expect(await device.pidOf('web')).toBe(pid);
    expect(await order(device, 'web', 'restart')).toEqual([200, '']);
    const next = await device.becomes('web', 'STARTED', pid);
    await device.kill();
    await device.start();
    await device.becomes('web', 'STARTED');
    expect(await device.pidOf('web')).toBe(next);
    expect(await listed(device, 'web')).toMatchObject({ user_stopped: 'false' });
  });

  test('is not taken for what the system restarts, and is taken from containers with role mgmt', async ({ device }) => {
    await device.start();
    const asking = (action: string, name: string) => `ask PUT /containers/${name} '{"action":"${action}"}'`;
    const behaviour = `${asking('stop', 'web')}; ${asking('stop', 'system')}; ${asking('dance', 'web')}; echo end`;
    const state = realState()
      .container('web', OURS)
      .container('system', { run: { restart_policy: 'system' } })
      .container('manager', { behaviour: `while [ ! -e /tmp/go ]; do pause 0.05; done; ${behaviour}` })
      .container('plain', { run: { roles: ['nobody'] }, behaviour });
    await device.deploy('app', state);
    const printed = (name: string): string => device.console('locals/app', name).replaceAll('\r', '');
    await until('plain was answered', () => printed('plain').includes('end'), { detail: () => printed('plain') });
    expect(printed('plain').match(/^403 .*from mgmt platform/gm)).toHaveLength(3);
    expect(await device.stateOf('web')).toBe('STARTED');
    const system = await device.pidOf('system');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(`/proc/${await device.pidOf('manager')}/root/tmp/go`, '');
    await device.becomes('web', 'STOPPED');
    await until('manager was answered', () => printed('manager').includes('end'), { detail: () => printed('manager') });
    expect(printed('manager').match(/^\d+/gm)).toEqual(['200', '403', '400']);
    expect(await device.pidOf('system')).toBe(system);
  });

  test('is one at a time for the whole device', async ({ device }) => {
    await device.start({ PV_UPDATER_COMMIT_DELAY: '3' });
    const state = realState().container('web');
    device.drop('app', state);
    await device.becomes('web', 'STARTED');
    for (const op of ['REBOOT_DEVICE', 'LOCAL_RUN', 'MAKE_FACTORY'])
      expect(await device.request('POST', '/commands', { op, payload: '' })).toEqual({
        status: 503,
        body: '{"Error":"Cannot do this operation while update is ongoing"}',
      });
    // Collecting is no step of an update, and takes its time: of many at once not all find the slot free.
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => device.request('POST', '/commands', { op: 'RUN_GC', payload: '' })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses).toContain(503);
    expect(answers.find(({ status }) => status === 503)?.body).toBe(
      '{"Error":"A command is already in progress. Try again"}',
    );
    await until('the slot is free again', async () => {
      const { status } = await device.request('POST', '/commands', { op: 'TRY_ONCE', payload: '' });
      return status === 200;
    });
    expect(await device.outcome('app')).toMatchObject({ status: 'DONE' });
  });
});
