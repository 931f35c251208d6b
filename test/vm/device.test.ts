/**
 * A device of its own, in a virtual machine: GRUB, kernel, initial RAM disk, init, the daemon and a container. One machine
 * for all tests, because every boot takes half a minute; each test leaves it running.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildImage } from '../../hack/device-image/build.ts';
import { hasQemu } from '../../hack/device-image/vm.ts';
import { brokenRoot, panickingRamDisk, writeDrops } from './drops.ts';
import { type Guest, type Status, startGuest } from './guest.ts';

const isHere = process.arch === 'x64' && hasQemu();
const CONVERGED = ({ conditions, progress }: Status): boolean =>
  progress.converged === progress.total && progress.total >= 5 && conditions[0].status === 'True';

describe.skipIf(!isHere)('a device in QEMU', () => {
  let directory: string;
  let disk: string;
  let guest: Guest;
  const boot = async (): Promise<void> => {
    guest = await startGuest({
      disk,
      directory,
      more: ['-drive', `file=${directory}/drops,format=raw,if=virtio,readonly=on`],
    });
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pantavisor-vm-'));
    disk = join(directory, 'disk');
    const factory = await buildImage({
      state: 'hello',
      output: disk,
      options: 'quiet pv_updater.commit.delay=2 PANTAVISOR_START_SECONDS=900',
      say: () => undefined,
    });
    const good = Buffer.from('a BSP is more than what boots\n');
    await writeDrops(join(directory, 'drops'), factory, [
      { name: 'panic', changes: { 'bsp/pantavisor': panickingRamDisk(join(directory, 'panic')) } },
      { name: 'broken', changes: { 'bsp/root.squashfs': readFileSync(await brokenRoot(join(directory, 'broken'))) } },
      { name: 'good', changes: { 'bsp/note': good } },
    ]);
    await boot();
  });
  afterAll(async () => {
    await guest?.cut();
    rmSync(directory, { recursive: true, force: true });
  });

  const drop = (name: string): Promise<string> =>
    guest.shell(
      `tar -xf /dev/vdb -C /tmp ${name}.tar; cp /tmp/${name}.tar /storage/.${name}; sync; mv /storage/.${name} /storage/incoming/${name}.tar`,
    );
  const bootedBy = (revision: string): Promise<string> => guest.shell(`grep -c 'pv_rev=${revision} ' /proc/cmdline`);
  const failureOf = (status: Status, revision: string): Status =>
    status.failed.find((failure: Status) => failure.revision === revision);

  test('boots to a running container, with busybox as process 1', async () => {
    const status = await guest.until('the factory revision runs', CONVERGED);
    expect([status.revision, status.committed, status.trial]).toEqual(['0', '0', null]);
    expect(await guest.shell('readlink /proc/1/exe')).toMatch(/busybox$/);
    expect(await bootedBy('0')).toBe('1');
  });

  test('a daemon that is killed comes back, and the container never stopped', async () => {
    const init = 'pidof httpd';
    const before = await guest.shell(init);
    await guest.shell(
      "kill -9 $(grep -ls 'dist/pantavisor[.]mjs' /proc/[0-9]*/cmdline | cut -d/ -f3); rm -f /run/pantavisor/pv/pv-ctrl; while ! test -S /run/pantavisor/pv/pv-ctrl; do sleep 1; done",
    );
    await guest.until('it is there again', CONVERGED);
    expect(await guest.shell(init)).toBe(before);
    expect(before).toMatch(/^\d+$/);
  });

  test('a revision whose kernel panics is rolled back by the boot loader, with the reason', async () => {
    await drop('panic');
    const status = await guest.until(
      'it went back',
      (now) => failureOf(now, 'locals/panic') !== undefined && now.trial === null,
    );
    expect(failureOf(status, 'locals/panic').detail).toBe(
      'it was not tried: the boot loader went back to 0: its kernel or its initial RAM disk did not start',
    );
    await guest.until('the committed revision runs', CONVERGED);
    expect([await bootedBy('0'), guest.console().includes('Pantavisor: booting revision locals/panic')]).toEqual([
      '1',
      true,
    ]);
  });

  test('a revision whose daemon never comes up reboots after five attempts and is rolled back', async () => {
    await drop('broken');
    const status = await guest.until(
      'it went back',
      (now) => failureOf(now, 'locals/broken') !== undefined && now.trial === null,
    );
    expect(failureOf(status, 'locals/broken').detail).toContain(
      'its daemon did not come up: 5 starts failed, the last with: exit code 70',
    );
    await guest.until('the committed revision runs', CONVERGED);
  });

  test('a new BSP is booted once, committed, and what boots after a power cut', async () => {
    await drop('good');
    const status = await guest.until('it is committed', (now) => now.committed === 'locals/good' && CONVERGED(now));
    expect([status.revision, status.trial]).toEqual(['locals/good', null]);
    expect(await bootedBy('locals/good')).toBe('1');
    await guest.cut();
    await boot();
    expect((await guest.until('it runs again', CONVERGED)).revision).toBe('locals/good');
    expect(await bootedBy('locals/good')).toBe('1');
  });
});
