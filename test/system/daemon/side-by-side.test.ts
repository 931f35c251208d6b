/** Several daemons on one machine, and one machine after its daemons. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { realDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';
import { until } from './until.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../dist/pantavisor');

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
};

/** Runs to its end. */
const runDaemon = async (
  settings: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string }> => {
  const child = spawn(PROGRAM, ['run'], { env: { ...process.env, ...settings } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null]; // 'close' has code and signal
  return { code, output };
};

describeSystem('daemons', () => {
  test('run side by side with containers of the same names', async ({ device }) => {
    const other = realDevice();
    try {
      await Promise.all([device.start(), other.start()]);
      const outcomes = await Promise.all([
        device.deploy('app', realState().container('web', { behaviour: 'echo one >/tmp/which' })),
        other.deploy('app', realState().container('web', { behaviour: 'echo two >/tmp/which' })),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['DONE', 'DONE']);
      await until(
        'both have written',
        async () =>
          [await device.read('web', '/tmp/which'), await other.read('web', '/tmp/which')].join('') === 'one\ntwo\n',
      );
      const pid = await other.pidOf('web');
      process.kill(await device.becomes('web', 'STARTED'), 'SIGKILL');
      await device.converged();
      expect(await device.stop()).toBe(0);
      expect(await device.left()).toEqual([]);
      expect(await other.pidOf('web')).toBe(pid);
      await other.converged();
    } finally {
      expect(await other.close()).toEqual([]);
    }
  });

  test.for([
    ['storage', 'PV_STORAGE_MNTPOINT'],
    ['run directory', 'PV_SYSTEM_RUNDIR'],
  ] as const)('refuse a %s in which another one works, and say so', async ([, shared], { device }) => {
    await device.start();
    await device.deploy('app', realState().container('web'));
    const pid = await device.pidOf('web');
    const places = {
      PV_STORAGE_MNTPOINT: `${device.directory}/storage2`,
      PV_SYSTEM_RUNDIR: `${device.directory}/run2`,
    };
    const taken = { PV_STORAGE_MNTPOINT: device.storage, PV_SYSTEM_RUNDIR: device.run }[shared];
    const { code, output } = await runDaemon({ PV_SYSTEM_INIT_MODE: 'appengine', ...places, [shared]: taken });
    expect(code).not.toBe(0);
    expect(output).toContain('another pantavisor works here');
    expect(output).toContain(taken);
    await device.converged();
    expect(await device.pidOf('web')).toBe(pid);
  });

  test('leave nothing behind when they end, and bring it all back', async ({ device }) => {
    await device.start();
    const before = device.traces();
    const state = ['one', 'two', 'three', 'four'].reduce((each, name) => each.container(name), realState());
    await device.deploy('app', state);
    expect(device.traces().length).toBeGreaterThan(before.length);
    expect(await device.stop()).toBe(0);
    expect(await device.left()).toEqual([]);
    await device.start();
    for (const name of ['one', 'two', 'three', 'four']) await device.becomes(name, 'STARTED');
    expect((await device.status()).committed).toBe('locals/app');
  });

  test('end in the middle of an update as they do at rest', async ({ device }) => {
    await device.start();
    device.drop('app', realState().container('web', { run: { status_goal: 'READY' } }));
    await until('it is tried', () => device.dropStatus('app')?.status === 'INPROGRESS');
    expect(await device.stop()).toBe(0);
    expect(await device.left()).toEqual([]);
  });

  test('show their status to browsers and nothing but that', async ({ device }) => {
    const port = await freePort();
    await device.start({ PV_STATUS_LISTEN: `127.0.0.1:${port}` });
    await device.deploy('app', realState().container('web'));
    const url = `http://127.0.0.1:${port}`;
    expect(await (await fetch(`${url}/status`)).json()).toMatchObject({ committed: 'locals/app', phase: 'running' });
    const page = await fetch(`${url}/`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    const order = await fetch(`${url}/containers/web`, { method: 'PUT', body: JSON.stringify({ action: 'stop' }) });
    expect(order.ok).toBe(false);
    expect(await device.stateOf('web')).toBe('STARTED');
  });

  test('explain every resource and condition on the control socket', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().container('web'));
    await device.converged();
    const view = await device.status();
    expect(view.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Converged True',
      'Progressing False',
      'Degraded False',
    ]);
    for (const { lastTransitionTime } of view.conditions) expect(Date.parse(lastTransitionTime)).not.toBeNaN();
    expect(await device.resource('container/web')).toMatchObject({
      outcome: 'converged',
      attempts: 0,
      lastAction: { type: 'container.start', result: 'done' },
      desired: { name: 'web' },
      observed: { phase: 'running' },
    });
    const get = async (path: string): Promise<unknown> => JSON.parse((await device.request('GET', path)).body);
    expect(await get('/containers')).toMatchObject([{ name: 'web', status: 'STARTED', status_goal: 'STARTED' }]);
    expect(await get('/groups')).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'root' })]));
    expect(await get('/steps/locals/app/progress')).toMatchObject({ status: 'DONE', progress: 100 });
  });
}, ['lxc', 'loop', 'squashfs']);
