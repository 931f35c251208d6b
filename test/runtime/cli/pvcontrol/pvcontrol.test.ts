import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from '../../../../runtime/api/api.ts';
import { exitCodeOf } from '../../../../runtime/cli/pvcontrol/question.ts';
import { container, type FakeDevice, fakeDevice, group, snapshotOf } from '../../api/fixture.ts';
import { type Ended, runProgram } from '../run-program.ts';

const SNAPSHOT = snapshotOf([container('web'), container('sdk', { restartPolicy: 'system' })], [group('app')]);

let device: FakeDevice;
let api: Api;
beforeAll(async () => {
  device = fakeDevice(SNAPSHOT);
  api = await startApi(device.deps);
});
afterAll(async () => {
  await api.stop();
  device.remove();
});
beforeEach(() => {
  device.log.length = 0;
  device.answer = { status: 200 };
});
const pvcontrol = (...args: string[]): Promise<Ended> =>
  runProgram('pvcontrol', ['-s', device.deps.socketPath, ...args]);

describe('pvcontrol', () => {
  it('prints the answer as scripts have always got it', async () => {
    const { code, stdout, stderr } = await pvcontrol('ls');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'web' }, { name: 'sdk', restart_policy: 'system' }]);
    expect((await pvcontrol('container', 'list')).stdout).toBe(stdout);
  });

  it('prints tables when asked to', async () => {
    expect((await pvcontrol('--table', 'groups', 'ls')).stdout).toBe(
      'NAME  STATUS  STATUS GOAL  RESTART POLICY\napp   READY   STARTED      container\n',
    );
  });

  it('writes the answer to a file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pvtest-cli-'));
    const file = join(directory, 'out');
    expect(await pvcontrol('-f', file, 'groups', 'ls')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject([{ name: 'app' }]);
    rmSync(directory, { recursive: true });
  });

  it('controls containers', async () => {
    expect(await pvcontrol('containers', 'restart', 'web')).toEqual({ code: 0, stdout: '\n', stderr: '' });
    expect(device.log).toEqual(['restart web']);
  });

  it('tells a refusal on stderr and by its exit code', async () => {
    expect(await pvcontrol('containers', 'stop', 'nobody')).toEqual({
      code: 255,
      stdout: '',
      stderr: '{"Error":"Container not found"}\n',
    });
    device.answer = { status: 503, message: 'busy' };
    expect((await pvcontrol('containers', 'stop', 'web')).code).toBe(75);
  });

  it.each([['a b'], ['../x?'], ['a#b'], ['']])('sends no name that no path can hold: %j', async (name) => {
    const { code, stderr } = await pvcontrol('containers', 'stop', name);
    expect(code).toBe(1);
    expect(stderr).toContain('is no container');
    expect(device.log).toEqual([]);
  });

  it('shows progress and signals', async () => {
    expect((await pvcontrol('steps', 'show-progress', 'locals/a')).stdout).toBe('{"status":"DONE"}\n');
    expect(await pvcontrol('signal', 'ready')).toMatchObject({
      code: 255,
      stderr: expect.stringContaining('Signal not expected'),
    });
  });

  it('shows the status as a table, and as JSON when asked to', async () => {
    const { stdout } = await pvcontrol('status');
    expect(stdout).toMatch(/^locals\/a {2}running {2}3\/3 as desired\nConverged=True/);
    expect(stdout).toMatch(/^app {4}sdk {8}STARTED {2}STARTED {2}\d+s$/m);
    expect(JSON.parse((await pvcontrol('--json', 'status')).stdout)).toMatchObject({ revision: 'locals/a' });
  });

  it('completes names of containers from the device', async () => {
    expect((await pvcontrol('__complete', '--', 'containers', 'stop', 'w')).stdout).toBe('web\n');
    expect((await pvcontrol('__complete', '--', 'enter', '-u', 'w', '')).stdout).toBe('web\nsdk\n');
    // The device of the line, not that of the shell.
    const line = ['-s', device.deps.socketPath, 'explain', 's'];
    expect((await runProgram('pvcontrol', ['__complete', '--', ...line])).stdout).toBe('sdk\n');
    expect((await pvcontrol('__complete', '--', '-s', '/nowhere', 'exec', '')).stdout).toBe('');
  });

  // It waits for a daemon that only boots its device; the clock of another process cannot be moved.
  it('watches until pantavisor has been gone for a while', { timeout: 30_000 }, async () => {
    const other = fakeDevice(SNAPSHOT);
    const otherApi = await startApi(other.deps);
    const watching = runProgram('pvcontrol', ['-s', other.deps.socketPath, '--json', 'status', '--watch']);
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (other.followers() > 1) resolve();
        else setImmediate(check);
      };
      check();
    });
    await otherApi.stop();
    other.remove();
    const { code, stdout, stderr } = await watching;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^pvcontrol: /)]);
    expect(JSON.parse(stdout.split('\n')[0] ?? '')).toMatchObject({ revision: 'locals/a' });
  });
});

describe('the socket', () => {
  it('that is missing is named with what to do', async () => {
    const { code, stdout, stderr } = await runProgram('pvcontrol', ['-s', '/nowhere/pv-ctrl', 'ls']);
    expect([code, stdout]).toEqual([1, 'ERROR: /nowhere/pv-ctrl not found\n']);
    expect(stderr).toBe(
      'pvcontrol: no control socket at /nowhere/pv-ctrl (from -s). Is pantavisor running? ' +
        'Name its socket with -s SOCKET, or its run directory with PV_SYSTEM_RUNDIR.\n',
    );
  });

  it('of PV_SYSTEM_RUNDIR is the only one tried', async () => {
    const { code, stderr } = await runProgram('pvcontrol', ['ls'], { env: { PV_SYSTEM_RUNDIR: '/nowhere' } });
    expect(code).toBe(1);
    expect(stderr).toContain('no control socket at /nowhere/pv-ctrl (from PV_SYSTEM_RUNDIR).');
  });

  it('of PV_SYSTEM_RUNDIR is asked', async () => {
    const run = device.deps.socketPath.replace(/\/pv-ctrl$/, '');
    expect((await runProgram('pvcontrol', ['groups', 'ls'], { env: { PV_SYSTEM_RUNDIR: run } })).code).toBe(0);
  });
});

it.each([
  [200, '', 0],
  [503, '{"Error":"x"}', 75],
  [507, '{"Error":"Not enough disk space available"}', 48],
  [422, '{"Error":"Object has bad checksum"}', 60],
  [422, '{"Error":"State verification has failed"}', 70],
  [503, '{"Error":"Not enough disk space available"}', 75],
  [507, '{"Error": "Not enough disk space available"}', 255],
  [200, '{"Error":"Object has bad checksum"}', 0],
  [201, '', 255],
  [204, '', 255],
  [400, '{"Error":"x"}', 255],
  [500, '', 255],
  [404, 'constructor', 255],
])('status %i with %j exits with %i', (status, body, code) => {
  expect(exitCodeOf({ status, body })).toBe(code);
});
