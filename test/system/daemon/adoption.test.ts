/** A daemon may be killed at any time: what it runs goes on, and the next one knows what happened meanwhile. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type RealState, realState } from './real-state.ts';
import { until } from './until.ts';

const GROUP = { name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 20 };
/** About what an update takes, from the drop to DONE. */
const UPDATE_MS = 600;
const NAMES = ['one', 'two', 'three'];

/** Ends with the status that it is told by a file. */
const onFailure = {
  behaviour: 'until [ -e /tmp/end ]; do pause 0.05; done; exit "$(cat /tmp/end)"',
  run: { auto_recovery: { policy: 'on-failure', retry_delay: 0 } },
};

const pids = (device: RealDevice): Promise<readonly (number | undefined)[]> =>
  Promise.all(NAMES.map((name) => device.pidOf(name)));

const endsWith = async (device: RealDevice, name: string, status: number): Promise<number> => {
  const pid = await device.becomes(name, 'STARTED');
  await device.kill();
  execFileSync('sh', ['-c', `echo ${status} >/proc/${pid}/root/tmp/end`]);
  await until('it has ended', () => !isAlive(pid));
  return pid;
};

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // ENOENT or ESRCH: it is gone
  }
};

/** Two versions of a state: `web` tells which, `stays` is in both. */
const version = (name: string): RealState =>
  realState()
    .group(GROUP)
    .container('stays')
    .container('web', { behaviour: `echo ${name} >/tmp/version` });

/** Everything of one version, and nothing of the other. @returns the version. */
const whole = async (device: RealDevice): Promise<string> => {
  const isSettled = async (): Promise<boolean> => {
    const { phase, resources } = await device.status();
    return phase === 'running' && resources.every(({ kind, outcome }) => kind === 'update' || outcome === 'converged');
  };
  await until('it has settled', isSettled, { detail: async () => (await device.status()).conditions });
  const { committed, revision } = await device.status();
  expect(revision).toBe(committed);
  const running = committed?.replace('locals/', '').replace(/-\d+$/, '') ?? '';
  await until(`web is of ${running}`, async () => (await device.read('web', '/tmp/version'))?.trim() === running, {
    detail: () => device.read('web', '/tmp/version'),
  });
  return running;
};

describeSystem('a killed daemon', () => {
  test('leaves containers running, and the next one takes them over', async ({ device }) => {
    await device.start();
    const state = NAMES.reduce((each, name) => each.container(name), realState());
    await device.deploy('app', state);
    const before = await pids(device);
    for (let round = 0; round < 3; round += 1) {
      await device.kill();
      await device.start();
      await device.converged();
      expect(await pids(device)).toEqual(before);
    }
    expect(await device.status()).toMatchObject({ phase: 'running', committed: 'locals/app' });
  });

  test('misses no exit: a 0 stays stopped', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().group(GROUP).container('web', onFailure));
    await endsWith(device, 'web', 0);
    await device.start();
    await device.converged();
    expect(await device.stateOf('web')).toBe('STOPPED');
    expect((await device.resource('container/web'))?.observed).toMatchObject({ exit: { type: 'code', code: 0 } });
  });

  test('misses no exit: a 3 is a failure, and its container is started again', async ({ device }) => {
    await device.start();
    await device.deploy('app', realState().group(GROUP).container('web', onFailure));
    const pid = await endsWith(device, 'web', 3);
    await device.start();
    await device.becomes('web', 'STARTED', pid);
    expect(device.log()).toContain('it ended with exit code 3');
  });

  test('leaves drift to the next one', async ({ device }) => {
    await device.start();
    await device.deploy(
      'app',
      NAMES.reduce((each, name) => each.container(name), realState()),
    );
    const [one, two, three] = await pids(device);
    await device.kill();
    execFileSync('umount', ['-l', join(device.volumes, 'one/lxc-overlay')]);
    process.kill(two ?? Number.NaN, 'SIGKILL');
    await device.start();
    await device.becomes('one', 'STARTED', one);
    await device.becomes('two', 'STARTED', two);
    await device.converged();
    expect(await device.pidOf('three')).toBe(three);
  });

  test('ends the trial it was at', async ({ device }) => {
    await device.start();
    await device.deploy('old', version('old'));
    const stays = await device.pidOf('stays');
    await device.kill();
    await device.start({ PV_UPDATER_COMMIT_DELAY: '30' });
    device.drop('new', version('new'));
    await until('it is tested', () => device.dropStatus('new')?.status === 'TESTING');
    await device.kill();
    await device.start();
    expect(await device.outcome('new')).toMatchObject({ status: 'ERROR', reason: 'the daemon ended during the trial' });
    expect(await whole(device)).toBe('old');
    expect(await device.pidOf('stays')).toBe(stays);
  });

  test('at any of twenty moments of an update leaves the old or the new version, whole', async ({ device }) => {
    await device.start();
    await device.deploy('a-0', version('a'));
    const stays = await device.pidOf('stays');
    const seen: string[] = [];
    let running = 'a';
    for (let round = 1; round <= 20; round += 1) {
      const next = running === 'a' ? 'b' : 'a';
      // Content that failed once is not tried again: every round brings its own.
      const state = version(next).container('extra', { behaviour: `# round ${round}` });
      device.drop(`${next}-${round}`, state);
      // The moment is what is tested: there is no state to wait for.
      const moment = Math.round(Math.random() * UPDATE_MS);
      await sleep(moment);
      await device.kill();
      await device.start();
      // The next daemon may find the drop undecided, and go on with it.
      await until('the drop is decided', () => isDecided(device, `${next}-${round}`), {
        detail: () => device.dropStatus(`${next}-${round}`),
      });
      running = await whole(device);
      seen.push(`${moment} ms ${running === next ? 'new' : 'old'}`);
    }
    expect(await device.pidOf('stays')).toBe(stays);
    process.stdout.write(`killed during updates: ${seen.join(', ')}\n`);
  });
}, ['lxc', 'loop', 'squashfs']);

const isDecided = (device: RealDevice, name: string): boolean =>
  ['DONE', 'ERROR', 'CANCELLED'].includes(device.dropStatus(name)?.status ?? '');
