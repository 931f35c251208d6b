/** Whatever somebody does to a device behind its daemon's back is undone at once; what is not the daemon's is let be. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { payloadCgroup } from '../../../resources/lxc/lxc-place.ts';
import { describeSystem } from '../require-root.ts';
import { foreigner } from './foreigner.ts';
import { type RealDevice, test } from './real-device.ts';
import { type Guest, realState } from './real-state.ts';
import { until } from './until.ts';

/** Events come at once; this leaves a busy machine some time. */
const SOON = { limitMs: 5_000 };

const GUEST: Guest = {
  run: { storage: { kept: { persistence: 'permanent' }, 'lxc-overlay': { persistence: 'boot' } } },
  binds: { kept: 'kept' },
  behaviour: 'echo start >>/kept/starts',
};

const begin = async (device: RealDevice): Promise<{ web: number; other: number }> => {
  await device.start();
  const state = realState().container('web', GUEST).container('other');
  expect(await device.deploy('app', state)).toMatchObject({ status: 'DONE' });
  return { web: await device.becomes('web', 'STARTED'), other: await device.becomes('other', 'STARTED') };
};

const isMounted = (target: string): boolean => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${target} `);

/** The daemon has made it good: web runs with another init, other with its own. */
const restarted = async (device: RealDevice, before: { web: number; other: number }): Promise<void> => {
  const isNew = async (): Promise<boolean> => {
    const pid = await device.pidOf('web');
    return pid !== undefined && pid !== before.web;
  };
  await until('web was started anew', isNew, { ...SOON, detail: () => device.resource('container/web') });
  await device.converged();
  expect(await device.pidOf('other')).toBe(before.other);
};

const untouched = async (device: RealDevice, before: { web: number; other: number }): Promise<void> => {
  await device.converged();
  expect({ web: await device.pidOf('web'), other: await device.pidOf('other') }).toEqual(before);
};

const monitorOf = (initPid: number): number =>
  Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${initPid}/status`, 'utf8'))?.[1]);

/** The program waits to see it frozen, which it may miss, so quickly is it thawed. */
const lxcFreeze = async (device: RealDevice): Promise<void> => {
  const freezing = spawn('lxc-freeze', ['-P', device.lxc, '-n', 'web'], { stdio: 'ignore' });
  const exited = once(freezing, 'exit');
  const isThawed = async (): Promise<boolean> => {
    const last = (await device.resource('container/web'))?.lastAction;
    return last?.type === 'container.unfreeze' && last.result === 'done';
  };
  try {
    await until('it is thawed', isThawed, SOON);
  } finally {
    freezing.kill();
    await exited;
  }
};

/** One that nobody has waited for yet is no more. */
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** The kernel's freezer file of a container, in whichever hierarchy this machine has it. */
const freezer = (device: RealDevice): readonly [file: string, frozen: string] => {
  const cgroup = payloadCgroup(device.lxc, 'web');
  const candidates = [
    [`/sys/fs/cgroup/unified/${cgroup}/cgroup.freeze`, '1'],
    [`/sys/fs/cgroup/${cgroup}/cgroup.freeze`, '1'],
    [`/sys/fs/cgroup/freezer/${cgroup}/freezer.state`, 'FROZEN'],
  ] as const;
  const found = candidates.find(([file]) => existsSync(file));
  if (found === undefined) throw new Error(`no freezer for ${cgroup}`);
  return found;
};

describeSystem('drift', () => {
  test('a bind that was taken off is put back, and nobody notices', async ({ device }) => {
    const before = await begin(device);
    const target = join(device.volumes, 'web/kept');
    execFileSync('umount', [target]);
    await until('it is mounted again', () => isMounted(target), SOON);
    await untouched(device, before);
    expect(readFileSync(join(target, 'starts'), 'utf8')).toBe('start\n');
  });

  test.for([['root.squashfs'], ['lxc-overlay']])(
    '%s that was taken off lazily is replaced, with a restart',
    async ([volume], { device }) => {
      const before = await begin(device);
      execFileSync('umount', ['-l', join(device.volumes, `web/${volume}`)]);
      await restarted(device, before);
      expect(isMounted(join(device.volumes, `web/${volume}`))).toBe(true);
    },
  );

  test('all volumes of all containers at once', async ({ device }) => {
    const before = await begin(device);
    for (const name of ['web', 'other'])
      for (const volume of readdirSync(join(device.volumes, name)))
        execFileSync('umount', ['-l', join(device.volumes, name, volume)]);
    await device.becomes('web', 'STARTED', before.web);
    await device.becomes('other', 'STARTED', before.other);
    await device.converged();
  });

  test('an init that was killed', async ({ device }) => {
    const before = await begin(device);
    process.kill(before.web, 'SIGKILL');
    await restarted(device, before);
  });

  test('a monitor that was killed', async ({ device }) => {
    const before = await begin(device);
    process.kill(monitorOf(before.web), 'SIGKILL');
    await restarted(device, before);
    await until('its init died with it', () => !isAlive(before.web));
  });

  test('lxc-freeze', async ({ device }) => {
    const before = await begin(device);
    await lxcFreeze(device);
    await untouched(device, before);
  });

  test('a frozen cgroup', async ({ device }) => {
    const before = await begin(device);
    const [file, frozen] = freezer(device);
    writeFileSync(file, frozen);
    await until('it is thawed', () => readFileSync(file, 'utf8').trim() !== frozen, SOON);
    await untouched(device, before);
  });

  test.for([['-k'], ['-t', '10']])('lxc-stop %s', async (parameters, { device }) => {
    const before = await begin(device);
    execFileSync('lxc-stop', ['-P', device.lxc, '-n', 'web', ...parameters], { timeout: 20_000 });
    await restarted(device, before);
  });

  test('a removed LXC directory', async ({ device }) => {
    const before = await begin(device);
    rmSync(join(device.lxc, 'web'), { recursive: true });
    process.kill(before.web, 'SIGKILL');
    await restarted(device, before);
    expect(existsSync(join(device.lxc, 'web/config'))).toBe(true);
  });

  test("a removed upper directory of a root's overlay", async ({ device }) => {
    const before = await begin(device);
    rmSync(join(device.volumes, 'web/lxc-overlay/upper'), { recursive: true });
    await restarted(device, before);
    expect(await device.read('web', '/etc/origin')).toBe('image\n');
  });

  test('a removed directory of a permanent volume', async ({ device }) => {
    const before = await begin(device);
    rmSync(join(device.storage, 'disks/perm/web/kept'), { recursive: true });
    await restarted(device, before);
    await until('it works in the new one', async () => (await device.read('web', '/kept/starts')) === 'start\n');
  });

  test('a detached loop device', async ({ device }) => {
    const before = await begin(device);
    const entry = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((line) => line.includes(` ${join(device.volumes, 'web/root.squashfs')} `));
    // Busy: the kernel detaches it when the last user is gone, and nobody notices before.
    execFileSync('losetup', ['-d', /(\/dev\/loop\d+)/.exec(entry ?? '')?.[1] ?? '']);
    await untouched(device, before);
    execFileSync('umount', ['-l', join(device.volumes, 'web/root.squashfs')]);
    await restarted(device, before);
  });

  test('again and again', async ({ device }) => {
    let before = await begin(device);
    for (let round = 0; round < 3; round += 1) {
      process.kill(before.other, 'SIGKILL');
      execFileSync('umount', [join(device.volumes, 'web/kept')]);
      if (round === 0) await lxcFreeze(device);
      const other = await device.becomes('other', 'STARTED', before.other);
      await until('the volume is back', () => isMounted(join(device.volumes, 'web/kept')), SOON);
      await device.converged();
      expect(await device.pidOf('web')).toBe(before.web);
      before = { ...before, other };
    }
  });

  test('is repaired around what belongs to somebody else', async ({ device }) => {
    const somebody = await foreigner();
    try {
      const left = somebody.left();
      const before = await begin(device);
      process.kill(before.web, 'SIGKILL');
      await restarted(device, before);
      expect(await device.deploy('empty', realState().container('other'))).toMatchObject({ status: 'DONE' });
      expect(await device.stop()).toBe(0);
      expect(somebody.left()).toEqual(left);
    } finally {
      await somebody.remove();
    }
  });
}, ['lxc', 'loop', 'squashfs']);
