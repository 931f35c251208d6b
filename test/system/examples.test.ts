import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Device, ready, startDevice } from '../../hack/demonstration/device.ts';
import { drop, follow } from '../../hack/demonstration/drop.ts';
import { freePort, rewritePorts } from '../../hack/demonstration/ports.ts';
import { cgroupOf } from '../../hack/demonstration/sweep.ts';
import { stageExample } from '../../hack/images/build.ts';
import type { StatusView } from '../../runtime/api/status.ts';
import { registerCgroup } from './own-cgroups.ts';
import { describeSystem } from './require-root.ts';

const project = resolve(import.meta.dirname, '../..');
const execute = promisify(execFile);
const quiet = (): void => undefined;
const WEB = 18080;
const MQTT = 18883;

let directory = '';
let device: Device | undefined;
let web = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pvtest-example-'));
});
afterEach(async () => {
  await device?.stop();
  device = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const start = async (example: string): Promise<Device> => {
  const source = join(directory, 'source');
  await stageExample(example, source, quiet);
  web = await freePort(WEB);
  rewritePorts(
    source,
    new Map([
      [WEB, web],
      [MQTT, await freePort(MQTT)],
    ]),
  );
  registerCgroup(cgroupOf(directory));
  device = startDevice(directory, await freePort(0), { PV_UPDATER_COMMIT_DELAY: '1' });
  await ready(device, device.died);
  return device;
};

const update = async ({ watched, died }: Device, name: string): Promise<string> => {
  const tarball = join(directory, `${name}.tgz`);
  await execute(join(project, 'dist/pantavisor'), ['pack', join(directory, 'source'), '-o', tarball]);
  drop(tarball, watched, name);
  return (await follow(watched, name, quiet, died)).status;
};

const page = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${web}${path}`)).text();

const containers = async ({ statusUrl }: Device) => {
  const view = (await (await fetch(new URL('/status', statusUrl))).json()) as StatusView;
  return new Map(
    view.resources.flatMap(({ kind, name, state, observed }) => {
      if (kind !== 'container') return [];
      const pid = observed !== null && 'run' in observed ? observed.run.initPid : undefined;
      return [[name, { state, pid }] as const];
    }),
  );
};

/** Real time, because the kernel's is. */
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  const giveUpAt = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`not so within 20 s: ${holds}`);
    await sleep(50);
  }
};

describeSystem('the examples', () => {
  test('hello answers once its revision is DONE, and leaves nothing behind', async () => {
    const hello = await start('hello');
    expect(await update(hello, 'hello')).toBe('DONE');
    expect(await page('/')).toContain('Hello from a container.');
    expect(await hello.stop()).toEqual([]);
    device = undefined;
  });

  test('gateway reaches every goal, from MOUNTED to READY', async () => {
    const gateway = await start('gateway');
    expect(await update(gateway, 'gateway')).toBe('DONE');
    const states = [...(await containers(gateway))].map(([name, { state }]) => `${name} ${state}`);
    expect(states).toEqual(
      expect.arrayContaining(['config-data MOUNTED', 'broker STARTED', 'web STARTED', 'sensor READY']),
    );
    expect(await page('/config/gateway.json')).toContain('hall 3');
  });

  test('an update restarts what it changes and only that, and permanent volumes outlive it', async () => {
    const gateway = await start('gateway');
    expect(await update(gateway, 'first')).toBe('DONE');
    expect(await page('/')).toContain('started <b>1</b> times');
    const before = await containers(gateway);
    appendFileSync(join(directory, 'source/_config/web/etc/nginx/nginx.conf'), '# changed\n');
    expect(await update(gateway, 'second')).toBe('DONE');
    expect(await page('/')).toContain('started <b>2</b> times');
    const after = await containers(gateway);
    expect(after.get('broker')?.pid).toBe(before.get('broker')?.pid);
    expect(after.get('web')?.pid).not.toBe(before.get('web')?.pid);
  });

  test('what crashes in gateway comes back by itself', async () => {
    const gateway = await start('gateway');
    expect(await update(gateway, 'gateway')).toBe('DONE');
    const pid = (await containers(gateway)).get('flaky')?.pid;
    if (pid === undefined) throw new Error('flaky has no init');
    process.kill(pid, 'SIGKILL');
    await until(async () => {
      const flaky = (await containers(gateway)).get('flaky');
      return flaky?.state === 'STARTED' && flaky.pid !== pid;
    });
  });
}, ['lxc', 'loop', 'squashfs']);

describeSystem('hack/demo --once', () => {
  const demos = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('pantavisor-demo-'));

  test('prints the final table from any directory and leaves nothing behind', async () => {
    const before = demos();
    const { stdout } = await execute(join(project, 'hack/demo'), ['hello', '--once'], { cwd: '/' });
    expect(stdout).toMatch(/^app +web +STARTED +STARTED/m);
    expect(stdout).toContain('done, nothing is left');
    expect(demos()).toEqual(before);
  });

  test('ends with 1 and cleans up when it is told to stop', async () => {
    const before = demos();
    const running = execute(join(project, 'hack/demo'), ['hello', '--once'], { cwd: '/' });
    running.child.stdout?.on('data', (text: string) => {
      if (text.includes('INPROGRESS') || text.includes('TESTING')) running.child.kill('SIGTERM');
    });
    await expect(running).rejects.toMatchObject({ code: 1 });
    expect(demos()).toEqual(before);
  });
}, ['lxc', 'loop', 'squashfs']);
