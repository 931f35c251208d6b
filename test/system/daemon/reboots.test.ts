/** What Pantavisor reboots for goes through a reboot here as well: everything stops, and the daemon starts afresh. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type Guest, type RealState, realState } from './real-state.ts';
import { until } from './until.ts';

const SYSTEM = { name: 'root', status_goal: 'STARTED', restart_policy: 'system', timeout: 3 };
const APP = { name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 3 };

const version = (name: string, base: Guest = {}, app: Guest = {}): RealState =>
  realState()
    .group(SYSTEM)
    .group(APP)
    .container('base', { behaviour: `echo ${name} >/tmp/version`, ...base, run: { group: 'root', ...base.run } })
    .container('app', { ...app, run: { group: 'app' } });

const begin = async (device: RealDevice): Promise<{ base: number; app: number; daemon: number }> => {
  await device.start({ PV_UPDATER_REBOOT: '1' });
  expect(await device.deploy('old', version('old'))).toMatchObject({ status: 'DONE' });
  const [base, app] = [await device.becomes('base', 'STARTED'), await device.becomes('app', 'STARTED')];
  return { base, app, daemon: device.daemonPid() };
};

/** Between two lives of a daemon nobody answers. */
const answered = async <T>(ask: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
};

const versionIs = (device: RealDevice, name: string): Promise<void> =>
  until(`version ${name} runs`, async () => {
    const found = await answered(() => device.read('base', '/tmp/version'));
    return found === `${name}\n`;
  });

/** As its committed revision wants it. @returns that revision's name. */
const settled = async (device: RealDevice): Promise<string> => {
  let committed = '';
  const isSettled = async (): Promise<boolean> => {
    const view = await answered(device.status);
    committed = view?.committed ?? '';
    const isDone = view?.resources.every(({ kind, outcome }) => kind === 'update' || outcome === 'converged');
    return isDone === true && view?.phase === 'running' && view.revision === committed;
  };
  await until('it has settled', isSettled, { detail: () => answered(device.status) });
  return committed.replace('locals/', '');
};

/** How often a daemon began. */
const lives = (device: RealDevice): number => device.log().split('"pantavisor is ready"').length - 1;

describeSystem('an update of the system', () => {
  test('goes through a reboot, with all containers', async ({ device }) => {
    const before = await begin(device);
    const begun = lives(device);
    expect(await device.deploy('new', version('new'))).toMatchObject({ status: 'DONE' });
    await versionIs(device, 'new');
    expect(await device.pidOf('base')).not.toBe(before.base);
    expect(await device.pidOf('app')).not.toBe(before.app);
    expect(device.daemonPid()).toBe(before.daemon);
    expect(lives(device)).toBe(begun + 1);
  });

  test('is not needed for a container that may be restarted alone', async ({ device }) => {
    const before = await begin(device);
    const begun = lives(device);
    expect(await device.deploy('new', version('old', {}, { behaviour: '# new' }))).toMatchObject({ status: 'DONE' });
    expect(await device.pidOf('base')).toBe(before.base);
    expect(await device.pidOf('app')).not.toBe(before.app);
    expect(lives(device)).toBe(begun);
  });

  test('that misses its goals goes back through another one', async ({ device }) => {
    await begin(device);
    const late = version('late', { run: { status_goal: 'READY' } });
    const { status, reason } = await device.deploy('late', late);
    expect([status, reason]).toEqual(['ERROR', 'base is STARTED, its goal is READY']);
    await versionIs(device, 'old');
    expect(await settled(device)).toBe('old');
  });

  test('ends in the old or the new version when the daemon is killed on the way', async ({ device }) => {
    await begin(device);
    const seen: string[] = [];
    for (let round = 1; round <= 8; round += 1) {
      device.drop(`new-${round}`, version(`new-${round}`));
      // The moment is what is tested: there is no state to wait for.
      const moment = Math.round(Math.random() * 1_000);
      await sleep(moment);
      await device.kill();
      await device.start();
      await until('the drop is decided', () =>
        ['DONE', 'ERROR', 'CANCELLED'].includes(device.dropStatus(`new-${round}`)?.status ?? ''),
      );
      const committed = await settled(device);
      await versionIs(device, committed);
      seen.push(`${moment} ms ${committed}`);
    }
    process.stdout.write(`killed during reboots: ${seen.join(', ')}\n`);
  });
}, ['lxc', 'loop', 'squashfs']);
