/** Volumes: what is in them, and how long it stays. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { type Guest, realState } from './real-state.ts';
import { until } from './until.ts';

const STORES = ['permanent', 'revision', 'boot'];

/** Counts its starts in a file of every volume. */
const counting = (note: string): Guest => ({
  run: {
    storage: {
      ...Object.fromEntries(STORES.map((persistence) => [persistence, { persistence }])),
      'lxc-overlay': { persistence: 'boot' },
    },
  },
  binds: Object.fromEntries(STORES.map((persistence) => [persistence, persistence])),
  behaviour: `# ${note}
for each in ${STORES.join(' ')} tmp; do echo start >>/$each/starts; done
touch /run/counted`,
});

/** Starts as each volume remembers them: permanent, revision, boot, and the root file system. */
const counted = async (device: RealDevice): Promise<readonly number[]> => {
  await until('it has counted', async () => (await device.read('web', '/run/counted')) !== undefined);
  const texts = await Promise.all([...STORES, 'tmp'].map((each) => device.read('web', `/${each}/starts`)));
  return texts.map((text) => text?.trim().split('\n').length ?? 0);
};

const killAndWait = async (device: RealDevice): Promise<void> => {
  const pid = await device.pidOf('web');
  process.kill(pid ?? Number.NaN, 'SIGKILL');
  await device.becomes('web', 'STARTED', pid);
};

const ext4Image = (device: RealDevice): Buffer => {
  const [content, image] = [join(device.directory, 'content'), join(device.directory, 'image')];
  mkdirSync(content);
  writeFileSync(join(content, 'hello'), 'from ext4\n');
  execFileSync('mkfs.ext4', ['-q', '-d', content, image, '2M'], { stdio: 'ignore' });
  return readFileSync(image);
};

describeSystem('volumes', () => {
  test('of storage live as long as their persistence says', async ({ device }) => {
    await device.start();
    await device.deploy('first', realState().container('web', counting('first')));
    expect(await counted(device)).toEqual([1, 1, 1, 1]);
    await killAndWait(device);
    expect(await counted(device)).toEqual([2, 2, 1, 1]);
    await device.deploy('second', realState().container('web', counting('second')));
    expect(await counted(device)).toEqual([3, 1, 1, 1]);
    expect(await device.stop()).toBe(0);
    await device.start();
    await device.becomes('web', 'STARTED');
    expect(await counted(device)).toEqual([4, 2, 1, 1]);
    const permanent = join(device.storage, 'disks/perm/web/permanent/starts');
    expect(readFileSync(permanent, 'utf8')).toBe('start\n'.repeat(4));
    expect(existsSync(join(device.storage, 'disks/rev/locals/first/web/revision/starts'))).toBe(true);
  });

  test('keep what a container writes into its root when the overlay is permanent', async ({ device }) => {
    await device.start();
    const guest = counting('permanent overlay');
    const storage = { ...(guest.run?.['storage'] as object), 'lxc-overlay': { persistence: 'permanent' } };
    await device.deploy('first', realState().container('web', { ...guest, run: { storage } }));
    await killAndWait(device);
    expect(await counted(device)).toEqual([2, 2, 1, 2]);
  });

  test('show _config above the image and below what the container wrote', async ({ device }) => {
    await device.start();
    const behaviour = 'cat /etc/origin; echo changed >/etc/written; touch /run/counted';
    const config = { 'etc/origin': 'config\n', 'etc/written': 'config\n', 'opt/new/file': 'only here\n' };
    await device.deploy('first', realState().container('web', { behaviour, config }));
    await until('it has written', async () => (await device.read('web', '/run/counted')) !== undefined);
    await until('it has read it', () => device.console('locals/first', 'web').includes('config'));
    expect(await device.read('web', '/etc/written')).toBe('changed\n');
    expect(await device.read('web', '/opt/new/file')).toBe('only here\n');
    expect(readFileSync(join(device.storage, 'trails/locals/first/_config/web/etc/written'), 'utf8')).toBe('config\n');
    await device.deploy('second', realState().container('web', { behaviour }));
    expect(await device.read('web', '/etc/origin')).toBe('image\n');
    expect(await device.read('web', '/opt/new/file')).toBeUndefined();
  });

  test('can be one file, a tree, or an ext4 image of the revision', async ({ device }) => {
    await device.start();
    const guest: Guest = {
      run: { volumes: ['settings.bind', 'site.data', 'content.ext4'] },
      files: {
        'settings.bind': 'a file\n',
        'site.data/deep/er/page': 'a tree\n',
        'content.ext4': ext4Image(device),
      },
      binds: { 'etc/settings': 'settings.bind', site: 'site.data', content: 'content.ext4' },
      behaviour: 'touch /content/probe 2>/dev/null && echo writable; echo end',
    };
    expect(await device.deploy('first', realState().container('web', guest))).toMatchObject({ status: 'DONE' });
    expect(await device.read('web', '/etc/settings')).toBe('a file\n');
    expect(await device.read('web', '/site/deep/er/page')).toBe('a tree\n');
    expect(await device.read('web', '/content/hello')).toBe('from ext4\n');
    await until('it has tried to write', () => device.console('locals/first', 'web').includes('end'));
    expect(device.console('locals/first', 'web')).not.toContain('writable');
  });

  test('that cannot be mounted roll back, and say why', async ({ device }) => {
    await device.start();
    await device.deploy('first', realState().container('web'));
    const pid = await device.pidOf('web');
    const guest: Guest = { run: { volumes: ['broken.squashfs'] }, files: { 'broken.squashfs': 'no image at all' } };
    const { status, reason } = await device.deploy('second', realState().container('web').container('sick', guest));
    expect([status, reason]).toEqual(['ERROR', expect.stringContaining('volume/sick/broken.squashfs')]);
    await device.converged();
    expect(await device.pidOf('web')).toBe(pid);
    await until('nothing of sick is left', () => !device.traces().join().includes('/sick/'), { detail: device.traces });
  });

  test('go on without their files in the watched directory', async ({ device }) => {
    await device.start();
    await device.deploy('first', realState().container('web'));
    rmSync(join(device.watched, 'objects'), { recursive: true });
    rmSync(join(device.watched, 'first.json'));
    expect(await device.stop()).toBe(0);
    await device.start();
    await device.becomes('web', 'STARTED');
  });
}, ['lxc', 'loop', 'squashfs', 'mkfs']);
