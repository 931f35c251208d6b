/** What a container sees of the device, what it may say, and where its output goes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type Guest, realState } from './real-state.ts';
import { until } from './until.ts';

const READY = { run: { status_goal: 'READY' }, behaviour: 'signal ready' } satisfies Guest;
const NOBODY = { roles: ['nobody'] };

/** What its behaviour printed, once the last line of it is there. */
const printed = async (device: RealDevice, name: string, revision = 'locals/app'): Promise<readonly string[]> => {
  const lines = (): readonly string[] => device.console(revision, name).replaceAll('\r', '').split('\n');
  await until(`${name} has printed it all`, () => lines().includes('end'), { detail: lines });
  return lines();
};

describeSystem('containers', () => {
  test('reach READY by a signal from inside, whatever their role', async ({ device }) => {
    await device.start();
    const state = realState()
      .container('manager', READY)
      .container('plain', { ...READY, run: { ...READY.run, ...NOBODY } });
    expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
    for (const name of ['manager', 'plain']) {
      expect(await device.stateOf(name)).toBe('READY');
      await until('it got an answer', () => device.console('locals/app', name).includes('200'));
    }
  });

  test('are READY only when they have said so', async ({ device }) => {
    await device.start();
    const behaviour = 'until [ -e /tmp/go ]; do pause 0.05; done; signal ready';
    device.drop('app', realState().container('slow', { ...READY, behaviour }));
    const pid = await device.becomes('slow', 'STARTED');
    expect(device.dropStatus('app')?.status).not.toBe('DONE');
    expect(existsSync(`/proc/${pid}/root/tmp`)).toBe(true);
    writeFileSync(`/proc/${pid}/root/tmp/go`, '');
    expect(await device.outcome('app')).toMatchObject({ status: 'DONE' });
    expect(await device.pidOf('slow')).toBe(pid);
  });

  test('are refused a signal that nobody expects', async ({ device }) => {
    await device.start();
    const behaviour = 'signal ready; signal alive; ask POST /signal nonsense; echo end';
    await device.deploy('app', realState().container('eager', { behaviour }));
    const lines = await printed(device, 'eager');
    expect(lines.slice(0, 2)).toEqual(Array(2).fill(expect.stringMatching(/^500 .*not expected/)));
    expect(lines[2]).toMatch(/^400 /);
    expect(await device.stateOf('eager')).toBe('STARTED');
    expect((await device.request('POST', '/signal', { type: 'ready', payload: '' })).status).toBe(500);
  });

  test('see below /pantavisor what their role allows', async ({ device }) => {
    await device.start();
    const behaviour = `ls -1 /pantavisor; echo end of it; while [ -z "$(ls /pantavisor/logs)" ]; do sleep 0.1; done; ls -1 /pantavisor/logs; for path in /containers /status /groups; do ask GET $path; done
for place in . logs user-meta device-meta nobody ledger volumes/*/*; do touch /pantavisor/$place/probe 2>/dev/null && echo writable; done
echo end`;
    const state = realState().container('manager', { behaviour }).container('plain', { behaviour, run: NOBODY });
    await device.deploy('app', state);
    const [manager, plain] = [await printed(device, 'manager'), await printed(device, 'plain')];
    const before = (lines: readonly string[]): readonly string[] => lines.slice(0, lines.indexOf('end of it'));
    const after = (lines: readonly string[]): readonly string[] => lines.slice(lines.indexOf('end of it') + 1);
    expect(before(manager)).toEqual(
      expect.arrayContaining(['pv-ctrl', 'pv-ctrl-log', 'pv-fd-log', 'user-meta', 'device-meta', 'logs', 'ledger']),
    );
    expect(before(plain)).toEqual(['device-meta', 'logs', 'pv-ctrl', 'pv-ctrl-log', 'user-meta']);
    expect(after(manager)).toEqual(expect.arrayContaining(['current', 'locals']));
    expect(after(plain)[0]).toBe('lxc');
    expect(manager.filter((line) => line.startsWith('200 '))).toHaveLength(3);
    expect(plain.filter((line) => line.startsWith('403 '))).toHaveLength(3);
    expect([...manager, ...plain]).not.toContain('writable');
  });

  test('reach the next daemon by the socket they have always seen', async ({ device }) => {
    await device.start();
    const behaviour =
      'while :; do ask POST /signal "{\\"type\\":\\"ready\\"}" >/tmp/new; mv /tmp/new /tmp/answer; pause 0.1; done';
    const guest = { run: { status_goal: 'READY' }, behaviour };
    const state = realState()
      .container('manager', guest)
      .container('plain', { behaviour, run: { ...guest.run, ...NOBODY } });
    expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
    const names = ['manager', 'plain'];
    const pids = await Promise.all(names.map(device.pidOf));
    const answers = (): readonly string[] => pids.map((pid) => readFileSync(`/proc/${pid}/root/tmp/answer`, 'utf8'));
    await device.kill();
    await until('nobody answers', () => answers().every((answer) => answer.startsWith('no socket')));
    await device.start();
    await until('the new daemon answers', () => answers().every((answer) => answer.startsWith('200')));
    expect(await Promise.all(names.map(device.pidOf))).toEqual(pids);
  });

  test('have their console and LXC logs in files of the revision', async ({ device }) => {
    await device.start({ PV_LXC_LOG_LEVEL: '1' });
    await device.deploy(
      'app',
      realState().container('web', { behaviour: 'echo to the console; echo and this >&2; echo end' }),
    );
    expect(await printed(device, 'web')).toEqual(['to the console', 'and this', 'end', '']);
    const lxcLog = join(device.logs, 'locals/app/web/lxc/lxc.log');
    await until(
      'LXC has its say',
      () => existsSync(lxcLog) && readFileSync(lxcLog, 'utf8').includes('Started "/init"'),
    );
    await device.kill();
    expect(await device.console('locals/app', 'web')).toContain('end');
    await device.start();
  });

  test('get the halt signal, and are killed when they ignore it', async ({ device }) => {
    await device.start();
    const state = realState()
      .group({ name: 'app', status_goal: 'STARTED', timeout: 20 })
      .container('stubborn', { behaviour: "trap '' TERM; touch /tmp/armed; while :; do sleep 0.1; done" })
      .container('polite', { behaviour: "trap 'echo goodbye; exit 0' TERM" });
    await device.deploy('app', state);
    await until('it is armed', async () => (await device.read('stubborn', '/tmp/armed')) !== undefined);
    const pid = await device.pidOf('stubborn');
    const began = performance.now();
    const stopped = device.stop();
    await until('the polite one is gone', () => device.console('locals/app', 'polite').includes('goodbye'));
    // Somebody is impatient: the daemon must not die of it with its work half done.
    process.kill(device.daemonPid(), 'SIGTERM');
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect(await stopped).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(4_900);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(await device.left()).toEqual([]);
  });
}, ['lxc', 'loop', 'squashfs']);
