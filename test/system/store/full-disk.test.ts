/** Disks that are too small and disks that are full, with the real daemon, real containers and a real file system. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type RealDevice, test } from '../daemon/real-device.ts';
import { type RealState, realState } from '../daemon/real-state.ts';
import { until } from '../daemon/until.ts';
import { describeSystem } from '../require-root.ts';
import { onSmallDisk } from './small-disk.ts';

const MB = 1_000_000;
/** Lives on through updates that bring other things. */
const steady = (): RealState => realState().container('steady');
const withData = (name: string, sizeBytes: number): RealState =>
  steady().container('data', { files: { blob: randomBytes(sizeBytes) }, behaviour: `# ${name}\n` });

const trailsOf = (device: RealDevice): string[] => readdirSync(join(device.storage, 'trails/locals')).sort();
const failuresOf = async (device: RealDevice): Promise<readonly { revision: string; message: string }[]> =>
  (await device.status()).failed;

/** Everything the daemon wrote is whole. */
const expectWhole = (device: RealDevice): void => {
  for (const name of trailsOf(device)) {
    const trail = join(device.storage, 'trails/locals', name);
    for (const file of ['.pvr/json', '.pv/progress', '.pv/failure']) {
      if (existsSync(join(trail, file))) JSON.parse(readFileSync(join(trail, file), 'utf8'));
    }
  }
  const variables = join(device.storage, 'boot/uboot.txt');
  expect(statSync(variables).size).toBe(65_536);
  expect(readFileSync(variables, 'latin1')).toMatch(/^pv_rev=locals\/[a-z-]+\0/);
};

const SPACE = /^Space required (\d+) B, available (\d+) B$/;

describeSystem('a storage of 64 MiB', () => {
  test('refuses early what does not fit, makes room for what does, and goes on', async ({ device }) => {
    await onSmallDisk(device, 64, async (disk) => {
      await device.start();
      expect(await device.deploy('first', withData('first', 16 * MB))).toMatchObject({ status: 'DONE' });
      expect(await device.deploy('second', withData('second', 16 * MB))).toMatchObject({ status: 'DONE' });
      const pid = await device.pidOf('steady');
      const before = disk.freeBytes();

      for (const kind of ['tgz', 'json'] as const) {
        device.drop(`huge-${kind}`, withData('huge', 80 * MB), kind);
        const refused = await device.outcome(`huge-${kind}`);
        expect(refused.status).toBe('WONTGO');
        const [, required, available] = SPACE.exec(refused['status-msg']) ?? [];
        expect(Number(required)).toBeGreaterThanOrEqual(80 * MB);
        expect(Number(available)).toBeLessThan(64 * MB);
        // Garbage went, nothing came.
        expect(disk.freeBytes()).toBeGreaterThanOrEqual(before - MB);
      }
      expect(await device.pidOf('steady')).toBe(pid);
      expect(await device.deploy('third', withData('third', 20 * MB), 'tgz')).toMatchObject({ status: 'DONE' });
      expect(await device.deploy('fourth', withData('fourth', 20 * MB))).toMatchObject({ status: 'DONE' });
      expect(trailsOf(device)).not.toContain('first');
      expect(await device.pidOf('steady')).toBe(pid);
      expectWhole(device);
    });
  });

  test('when it is full to the last byte containers run, a trial is rolled back, and collecting helps', async ({
    device,
  }) => {
    await onSmallDisk(device, 64, async (disk) => {
      await device.start({ PV_UPDATER_GOALS_TIMEOUT: '4' });
      await device.deploy('first', withData('first', 8 * MB));
      await device.deploy('good', withData('good', 8 * MB));
      await device.deploy('better', withData('better', 8 * MB));
      const pid = await device.pidOf('steady');

      const hopeless = steady()
        .group({ name: 'apps', status_goal: 'READY', timeout: 4 })
        .container('silent', { run: { group: 'apps' }, behaviour: '# never says that it is ready\n' });
      device.drop('hopeless', hopeless);
      await until('it is on trial', async () => (await device.status()).trial !== null);
      disk.fill();
      expect(await device.outcome('hopeless', hopeless.hash)).toMatchObject({
        status: 'ERROR',
        'status-msg': 'Status goal not reached',
      });
      await until('it is rolled back', async () => (await device.status()).trial === null);
      expect((await device.status()).committed).toBe('locals/better');
      expect((await failuresOf(device)).map(({ revision }) => revision)).toContain('locals/hopeless');
      expectWhole(device);

      disk.fill();
      expect(await device.deploy('one-more', withData('one-more', MB))).toMatchObject({
        status: 'WONTGO',
        'status-msg': expect.stringMatching(SPACE),
      });
      const running = await device.pidOf('steady');
      expect(running).toBeDefined();
      await device.kill();
      disk.fill();
      await device.start();
      expect(await device.pidOf('steady')).toBe(running);
      expect(pid).toBeDefined();

      disk.empty();
      const answer = await device.request('POST', '/storage/gc');
      expect(answer).toMatchObject({ status: 200, body: expect.stringMatching(/^\{"reclaimed": \d+\}$/) });
      expect(await device.deploy('after-all', withData('after-all', 8 * MB))).toMatchObject({ status: 'DONE' });
      expectWhole(device);
      expect((await failuresOf(device)).map(({ revision }) => revision)).toContain('locals/hopeless');
    });
  });
}, ['loop', 'lxc', 'squashfs', 'mkfs']);
