import { describe, expect, it } from 'vitest';
import { volumeController } from '../../controllers/volume.ts';
import type { VolumeSource } from '../../resources/kinds/volume.ts';
import { CONVERGED } from '../../resources/plan.ts';
import type { Ref } from '../../resources/ref.ts';
import { squashfsImage } from '../../runtime/host/simulated/inode.ts';
import { type SimulatedHost, simulatedHost } from '../../runtime/host/simulated/simulated.ts';

const VOLUMES = '/volumes';
const NAME = 'web/data';
const REF: Ref<'volume'> = `volume/${NAME}`;
const TARGET = `${VOLUMES}/${NAME}`;
const never = new AbortController().signal;

const bench = async (given?: SimulatedHost) => {
  const host = given ?? simulatedHost();
  const { files } = host.operator;
  for (const directory of [VOLUMES, '/storage/data', '/storage/objects']) await files.makeDirectory(directory, 0o755);
  const controller = volumeController(host, VOLUMES, () => CONVERGED);
  const told: string[] = [];
  controller.watch().subscribe((name) => told.push(name));
  const done = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false;
    work.then(
      () => (isDone = true),
      () => (isDone = true),
    );
    await host.runUntil(() => isDone, 60_000);
    return await work;
  };
  const mount = (source: VolumeSource, signal = never): Promise<void> =>
    done(
      controller.execute['volume.mount'](
        { type: 'volume.mount', ref: REF, spec: { owner: 'container/web', order: 0, target: TARGET, source } },
        signal,
      ),
    );
  const observe = () => done(controller.observe(NAME));
  return { host, controller, told, mount, observe, done };
};
const DIRECTORY: VolumeSource = { type: 'directory', path: '/storage/data/kept' };

describe('a volume', () => {
  it('is nothing, then mounted and ours, then nothing', async () => {
    const { controller, mount, observe, done } = await bench();
    expect(await observe()).toBeUndefined();
    await mount(DIRECTORY);
    expect(await observe()).toEqual({
      ...{ target: TARGET, type: 'bind', sources: ['/storage/data/kept'], identity: expect.any(String) },
      ...{ deleted: false, ours: true },
    });
    expect(await done(controller.list())).toEqual([NAME]);
    await done(controller.execute['volume.unmount']({ type: 'volume.unmount', ref: REF, target: TARGET }, never));
    expect([await observe(), await done(controller.list())]).toEqual([undefined, []]);
  });

  it('that an earlier daemon mounted is not ours, nor is what somebody put on top', async () => {
    const { host, mount, observe } = await bench();
    await mount(DIRECTORY);
    host.mischief.mountOver(TARGET);
    expect(await observe()).toMatchObject({ type: 'tmpfs' });
    expect(await observe()).not.toHaveProperty('ours');
    host.mischief.unmount(TARGET);
    expect(await observe()).toHaveProperty('ours', true);
    const next = await bench(host.restarted());
    expect(await next.observe()).not.toHaveProperty('ours');
  });

  it('is told of when its mount changes, by its name, and nothing else is', async () => {
    const { host, told, mount } = await bench();
    await mount(DIRECTORY);
    await host.settle();
    expect(told).toContain(NAME);
    told.splice(0);
    await host.operator.files.makeDirectory(`${TARGET}/deeper`, 0o755);
    host.mischief.mountOver(`${TARGET}/deeper`);
    host.mischief.mountOver('/storage/data');
    await host.settle();
    expect(told).toEqual([]);
    host.mischief.unmount(TARGET);
    await host.settle();
    expect(told).toEqual([NAME]);
  });

  it('is told of when the directory that it shows is deleted, which no mount event says', async () => {
    const { host, told, mount, observe } = await bench();
    await mount(DIRECTORY);
    await observe();
    await host.settle();
    told.splice(0);
    host.mischief.removeTree('/storage/data/kept');
    await host.settle();
    expect(told).toContain(NAME);
    expect(await observe()).toMatchObject({ deleted: true });
  });

  it('does not watch the directory any more when it is off', async () => {
    const { host, controller, told, mount, observe, done } = await bench();
    await mount(DIRECTORY);
    await observe();
    await done(controller.execute['volume.unmount']({ type: 'volume.unmount', ref: REF, target: TARGET }, never));
    await host.settle();
    told.splice(0);
    host.mischief.removeTree('/storage/data/kept');
    await host.settle();
    expect(told).toEqual([]);
  });
});

describe('mounting', () => {
  it.each<readonly [VolumeSource, object]>([
    [
      { type: 'image', image: '/storage/objects/aa', filesystem: 'squashfs' },
      { type: 'image', sources: ['/storage/objects/aa'] },
    ],
    [
      { type: 'file', path: '/storage/data/file' },
      { type: 'bind', sources: ['/storage/data/file'] },
    ],
    [
      { type: 'tree', path: '/storage/data' },
      { type: 'bind', sources: ['/storage/data'] },
    ],
    [DIRECTORY, { type: 'bind', sources: ['/storage/data/kept'] }],
    [{ type: 'tmpfs' }, { type: 'tmpfs', sources: [] }],
    [
      { type: 'scratch', path: '/storage/data/scratch' },
      { type: 'bind', sources: ['/storage/data/scratch'] },
    ],
  ])('%j', async (source, expected) => {
    const { host, mount, observe } = await bench();
    host.mischief.write('/storage/objects/aa', squashfsImage('x'));
    host.mischief.write('/storage/data/file', 'content');
    await mount(source);
    expect(await observe()).toMatchObject(expected);
  });

  it('keeps what is in a directory, and empties a scratch one', async () => {
    for (const [type, kept] of [
      ['directory', true],
      ['scratch', false],
    ] as const) {
      const { host, mount } = await bench();
      host.mischief.write('/storage/data/x/file', 'content');
      await mount({ type, path: '/storage/data/x' });
      expect((await host.operator.files.stat('/storage/data/x/file')) !== undefined).toBe(kept);
    }
  });

  it.each<VolumeSource>([
    DIRECTORY,
    { type: 'tree', path: '/storage/data' },
    { type: 'scratch', path: '/storage/data/scratch' },
    { type: 'image', image: '/storage/objects/aa', filesystem: 'squashfs' },
  ])('that was given up at its beginning mounts nothing: %j', async (source) => {
    const { host, mount, observe } = await bench();
    host.mischief.write('/storage/objects/aa', squashfsImage('x'));
    host.mischief.write('/storage/data/scratch/file', 'content');
    await expect(mount(source, AbortSignal.abort())).rejects.toThrow(/abort/);
    expect(await observe()).toBeUndefined();
    expect(await host.operator.files.stat('/storage/data/scratch/file')).toBeDefined();
  });

  it('that was given up when it was about to be done is looked at, since nobody waits for it', async () => {
    const { host, told, mount } = await bench();
    const stop = new AbortController();
    host.faults = {
      before: ({ port, name }) => {
        if (port === 'mounts' && name === 'mountTmpfs') stop.abort();
        return undefined;
      },
      notification: () => 'lose',
    };
    await mount({ type: 'tmpfs' }, stop.signal);
    expect(told).toEqual([NAME]);
  });
});
