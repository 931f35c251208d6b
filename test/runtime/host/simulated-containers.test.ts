import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../../runtime/host/simulated/behaviour.ts';
import { squashfsImage } from '../../../runtime/host/simulated/inode.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';

const CONFIG = 'lxc.rootfs.path = dir:/\n';

const running = async (behaviour: Behaviour = {}): Promise<SimulatedHost> => {
  const host = simulatedHost();
  host.behaviour('web', behaviour);
  await host.containers.configure('web', CONFIG);
  host.containers.start('web');
  await host.advance(behaviour.startMs ?? 20);
  return host;
};

describe('how a container behaves', () => {
  it('is STARTING for as long as it is told to', async () => {
    const host = simulatedHost();
    host.behaviour('web', { startMs: 500 });
    await host.containers.configure('web', CONFIG);
    host.containers.start('web');
    await host.advance(499);
    expect(await host.containers.inspect('web')).toEqual({ state: 'STARTING', initPid: undefined });
    await host.advance(1);
    expect(await host.containers.inspect('web')).toMatchObject({ state: 'RUNNING' });
  });

  it('signals READY, and is heard by the daemon that listens later', async () => {
    const host = await running({ readyAfterMs: 100 });
    await host.advance(200);
    const ready: string[] = [];
    host.ready.subscribe((name) => ready.push(name));
    await host.settle();
    expect(ready).toEqual(['web']);
  });

  it('can fail to start, once', async () => {
    const host = simulatedHost();
    host.behaviour('web', (_name, attempt) => (attempt === 1 ? { failsToStart: 'no such file: /sbin/init' } : {}));
    await host.containers.configure('web', CONFIG);
    const outcomes: unknown[] = [];
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      host.containers.start('web').then(
        (pid) => outcomes.push(pid),
        (error) => outcomes.push(error.message),
      );
      await host.advance(100);
    }
    expect(outcomes).toEqual(['start web: no such file: /sbin/init (LXC_START)', expect.any(Number)]);
  });

  it('ends neither halted nor by itself while it is frozen', async () => {
    const host = await running({ exitAfterMs: 1_000, exit: { type: 'code', code: 3 } });
    const exits: unknown[] = [];
    host.containers.exits.subscribe((exit) => exits.push(exit));
    host.mischief.freeze('web');
    await host.containers.halt('web');
    await host.advance(5_000);
    expect(await host.containers.inspect('web')).toMatchObject({ state: 'FROZEN' });
    await host.containers.unfreeze('web');
    await host.advance(100);
    expect(await host.containers.inspect('web')).toBeUndefined();
    // The halt waited first.
    expect(exits).toEqual([{ name: 'web', exit: { type: 'code', code: 0 } }]);
  });

  it('posts one exit when it is halted, killed and ends by itself at once', async () => {
    const host = await running({ exitAfterMs: 50, exit: { type: 'code', code: 3 } });
    const exits: unknown[] = [];
    host.containers.exits.subscribe((exit) => exits.push(exit));
    await host.containers.halt('web');
    await host.containers.kill('web');
    host.mischief.kill('web');
    await host.advance(1_000);
    expect(exits).toEqual([{ name: 'web', exit: { type: 'signal', signal: 9 } }]);
  });

  it('does not hear a halt that comes before its init runs', async () => {
    const host = simulatedHost();
    await host.containers.configure('web', CONFIG);
    host.containers.start('web');
    await host.containers.halt('web');
    await host.advance(1_000);
    expect(await host.containers.inspect('web')).toMatchObject({ state: 'RUNNING' });
    expect(host.log).toEqual(['configure web', 'start web']);
  });

  it.each(['halt', 'kill'] as const)('is not met by a %s that was meant for an earlier run', async (name) => {
    const host = await running();
    host.faults = { before: (operation) => (operation.name === name ? { delayMs: 10_000 } : undefined) };
    host.containers[name]('web');
    host.mischief.kill('web');
    await host.advance(1_000);
    host.containers.start('web');
    await host.advance(60_000);
    expect(await host.containers.inspect('web')).toMatchObject({ state: 'RUNNING' });
  });

  it('is not removed while it runs', async () => {
    const host = await running();
    await expect(host.containers.remove('web')).rejects.toMatchObject({ code: 'EBUSY' });
  });

  it('fails to start without its root file system', async () => {
    const host = simulatedHost();
    await host.containers.configure('web', 'lxc.rootfs.path = overlay:/run/none:/run/upper\n');
    await expect(host.containers.start('web')).rejects.toMatchObject({ code: 'LXC_START' });
  });
});

describe('mounts and containers', () => {
  const target = '/run/volume';
  const image = '/storage/image';
  const mountImage = (host: SimulatedHost): Promise<void> =>
    host.mounts.mountImage({ image, target, filesystem: 'squashfs', readOnly: true });
  const device = async (): Promise<SimulatedHost> => {
    const host = simulatedHost();
    host.mischief.write(image, squashfsImage('web'));
    await host.files.makeDirectory(target, 0o755);
    await mountImage(host);
    return host;
  };
  const identity = async (host: SimulatedHost): Promise<string | undefined> => (await host.mounts.at(target))?.identity;

  it('gives a remounted image the same loop device when nobody holds the old one', async () => {
    const host = await device();
    const before = await identity(host);
    await host.mounts.unmount(target);
    await mountImage(host);
    expect(await identity(host)).toBe(before);
  });

  it('gives it another one while a container holds the old one in its own namespace', async () => {
    const host = await device();
    const before = await identity(host);
    await host.containers.configure('web', `lxc.rootfs.path = dir:${target}\n`);
    host.containers.start('web');
    await host.advance(100);
    await host.mounts.unmount(target);
    await mountImage(host);
    expect(await identity(host)).not.toBe(before);
  });

  it('refuses to unmount what somebody stands in', async () => {
    const host = await device();
    host.mischief.enter(`${target}/sub`);
    await expect(host.mounts.unmount(target)).rejects.toMatchObject({ code: 'EBUSY' });
    host.mischief.leave(`${target}/sub`);
    await host.mounts.unmount(target);
    expect(await identity(host)).toBeUndefined();
  });

  it('does not know any more of what a mount is whose loop device lost its file', async () => {
    const host = await device();
    host.mischief.detachLoop(target);
    expect(await host.mounts.at(target)).toMatchObject({ type: 'foreign', sources: [] });
  });

  it('tells a directory made anew from the one that was bound', async () => {
    const host = await device();
    const bind = (): Promise<void> =>
      host.mounts.bind({ source: '/storage/data', target, recursive: true, readOnly: false });
    await host.mounts.unmount(target);
    await host.files.makeDirectory('/storage/data', 0o755);
    await bind();
    const before = await identity(host);
    host.mischief.removeTree('/storage/data');
    expect(await host.mounts.at(target)).toMatchObject({ deleted: true, sources: [] });
    await host.mounts.unmount(target);
    await host.files.makeDirectory('/storage/data', 0o755);
    await bind();
    expect(await identity(host)).not.toBe(before);
  });
});
