/** Mounts: what is mounted where, which tree it is, and who else can name it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Files, Mounts } from '../../../runtime/host/host.ts';
import { collect, type Device } from './contract-device.ts';

interface Bench {
  readonly files: Files;
  readonly mounts: Mounts;
  readonly root: string;
  /** An existing directory with a file `name`. */
  readonly tree: string;
  /** An existing empty directory. */
  readonly target: string;
}

export const mountsContract = (device: Device): void => {
  const bench = (): Bench => {
    const { root, host } = device();
    return { files: host.files, mounts: host.mounts, root, tree: `${root}/tree`, target: `${root}/target` };
  };
  const bindTree = ({ mounts, tree, target }: Bench, readOnly = false): Promise<void> =>
    mounts.bind({ source: tree, target, recursive: true, readOnly });
  const mountImage = ({ mounts, target }: Bench): Promise<void> =>
    mounts.mountImage({ image: device().image, target, filesystem: 'squashfs', readOnly: true });

  describe('mounts', () => {
    beforeEach(async () => {
      const { files, root, tree, target } = bench();
      await files.makeDirectory(`${tree}/deep`, 0o755);
      await files.makeDirectory(target, 0o755);
      await files.write(`${tree}/name`, 'tree', 0o644);
      await files.write(`${root}/file`, 'file', 0o644);
    });

    it('answers absence with a value, and unmounting nothing is success', async () => {
      const { mounts, root, target } = bench();
      expect(await mounts.at(target)).toBeUndefined();
      expect(await mounts.at(`${root}/none`)).toBeUndefined();
      expect(await mounts.below(root)).toEqual([]);
      await expect(mounts.unmount(target)).resolves.toBeUndefined();
      await expect(mounts.unmount(`${root}/none`)).resolves.toBeUndefined();
    });

    it('shows an image through a loop device, named by its backing file', async () => {
      const { files, mounts, target } = bench();
      await mountImage(bench());
      expect(await mounts.at(target)).toMatchObject({
        target,
        type: 'image',
        sources: expect.arrayContaining([device().image]),
        deleted: false,
        readOnly: true,
      });
      expect((await files.read(`${target}/hello`, 100))?.toString()).toBe('hello\n');
      await expect(files.write(`${target}/new`, '', 0o600)).rejects.toMatchObject({ code: 'EROFS' });
    });

    it.each<[string, (bench: Bench) => Promise<void>]>([
      ['image', mountImage],
      ['bind', bindTree],
      ['tmpfs', ({ mounts, target }) => mounts.mountTmpfs({ target })],
    ])('does not mount twice the same %s', async (type, mount) => {
      const { mounts, root, target } = bench();
      await mount(bench());
      const first = await mounts.at(target);
      await mount(bench());
      expect(first).toMatchObject({ type });
      expect(await mounts.at(target)).toEqual(first);
      expect(await mounts.below(root)).toEqual([target]);
      await mounts.unmount(target);
      expect(await mounts.at(target)).toBeUndefined();
    });

    it.each<[string, (bench: Bench) => Promise<void>]>([
      ['a missing image', ({ mounts, root, target }) => mountMissing(mounts, `${root}/none.squashfs`, target)],
      ['a file that is no image', ({ mounts, root, target }) => mountMissing(mounts, `${root}/file`, target)],
      ['a missing tree', ({ mounts, root, target }) => bindMissing(mounts, `${root}/none`, target)],
      ['onto a missing target', ({ mounts, root, tree }) => bindMissing(mounts, tree, `${root}/none`)],
      ['a file onto a directory', ({ mounts, root, target }) => bindMissing(mounts, `${root}/file`, target)],
    ])('refuses to mount %s, and nothing stays behind', async (_, mount) => {
      const { mounts, root } = bench();
      await expect(mount(bench())).rejects.toMatchObject({ name: 'DeviceError' });
      expect(await mounts.below(root)).toEqual([]);
    });

    it('binds a tree: the same files under two names, whoever writes', async () => {
      const { files, mounts, tree, target } = bench();
      await bindTree(bench());
      await files.write(`${target}/new`, 'new', 0o600);
      expect((await files.read(`${tree}/new`, 100))?.toString()).toBe('new');
      const mount = await mounts.at(target);
      expect(mount).toMatchObject({ target, type: 'bind', deleted: false, readOnly: false });
      expect(mount?.sources).toContain(tree);
      expect(mount?.sources).not.toContain(target);
    });

    it('binds a single file', async () => {
      const { files, mounts, root } = bench();
      await files.write(`${root}/onto`, '', 0o644);
      await mounts.bind({ source: `${root}/file`, target: `${root}/onto`, recursive: false, readOnly: true });
      expect((await files.read(`${root}/onto`, 100))?.toString()).toBe('file');
      expect(await mounts.at(`${root}/onto`)).toMatchObject({ type: 'bind', readOnly: true });
    });

    it('binds read-only without making the source read-only', async () => {
      const { files, tree, target } = bench();
      await bindTree(bench(), true);
      await expect(files.write(`${target}/new`, '', 0o600)).rejects.toMatchObject({ code: 'EROFS' });
      await expect(files.write(`${tree}/new`, '', 0o600)).resolves.toBeUndefined();
    });

    it('binds what is mounted inside a tree along with it, when asked to', async () => {
      const { files, mounts, tree, target } = bench();
      await mounts.mountTmpfs({ target: `${tree}/deep` });
      await files.write(`${tree}/deep/inner`, 'inner', 0o600);
      await bindTree(bench());
      expect((await files.read(`${target}/deep/inner`, 100))?.toString()).toBe('inner');
      await mounts.unmount(target);
      await mounts.bind({ source: tree, target, recursive: false, readOnly: false });
      expect(await files.list(`${target}/deep`)).toEqual([]);
    });

    it('keeps the identity of a tree over a remount, and tells different trees apart', async () => {
      const { files, mounts, root, target } = bench();
      await bindTree(bench());
      const first = (await mounts.at(target))?.identity;
      await mounts.unmount(target);
      await bindTree(bench());
      expect((await mounts.at(target))?.identity).toBe(first);
      await files.makeDirectory(`${root}/other`, 0o755);
      await files.makeDirectory(`${root}/elsewhere`, 0o755);
      await mounts.bind({ source: `${root}/other`, target: `${root}/elsewhere`, recursive: true, readOnly: false });
      expect((await mounts.at(`${root}/elsewhere`))?.identity).not.toBe(first);
      expect(first).toMatch(/^\d+:\d+:\/.*tree/);
    });

    it('gives every living tmpfs an identity of its own', async () => {
      const { files, mounts, root, target } = bench();
      await files.makeDirectory(`${root}/second`, 0o755);
      await mounts.mountTmpfs({ target });
      await mounts.mountTmpfs({ target: `${root}/second` });
      const [first, second] = [await mounts.at(target), await mounts.at(`${root}/second`)];
      expect(first).toMatchObject({ type: 'tmpfs', sources: [] });
      expect(second?.identity).not.toBe(first?.identity);
    });

    it('hides what is below a mount and shows it again after', async () => {
      const { files, mounts, tree } = bench();
      await mounts.mountTmpfs({ target: tree });
      expect(await files.list(tree)).toEqual([]);
      await mounts.unmount(tree);
      expect(await files.list(tree)).toEqual(['deep', 'name']);
    });

    it('sees and takes off the topmost of stacked mounts first', async () => {
      const { mounts, target } = bench();
      await bindTree(bench());
      await mounts.mountTmpfs({ target });
      expect(await mounts.at(target)).toMatchObject({ type: 'tmpfs' });
      await mounts.unmount(target);
      expect(await mounts.at(target)).toMatchObject({ type: 'bind' });
      await mounts.unmount(target);
      expect(await mounts.at(target)).toBeUndefined();
    });

    it('lists what is mounted strictly below, in mount order, and unmounts it along', async () => {
      const { files, mounts, root, target } = bench();
      await mounts.mountTmpfs({ target });
      await files.makeDirectory(`${target}/z`, 0o755);
      await files.makeDirectory(`${target}/a`, 0o755);
      await mounts.mountTmpfs({ target: `${target}/z` });
      await mounts.mountTmpfs({ target: `${target}/a` });
      expect(await mounts.below(root)).toEqual([target, `${target}/z`, `${target}/a`]);
      expect(await mounts.below(target)).toEqual([`${target}/z`, `${target}/a`]);
      await mounts.unmount(target);
      expect(await mounts.below(root)).toEqual([]);
    });

    it('notices that the bound tree was deleted', async () => {
      const { files, mounts, tree, target } = bench();
      await bindTree(bench());
      await files.remove(tree);
      expect(await mounts.at(target)).toMatchObject({ type: 'bind', deleted: true });
    });

    it('notices that the backing file of an image was deleted', async () => {
      const { files, mounts, root, target } = bench();
      const image = await copyOfImage(files, device().image, `${root}/copy.squashfs`);
      await mounts.mountImage({ image, target, filesystem: 'squashfs', readOnly: true });
      await files.remove(image);
      expect(await mounts.at(target)).toMatchObject({ type: 'image', deleted: true });
      expect((await files.read(`${target}/hello`, 100))?.toString()).toBe('hello\n');
    });

    it('reports targets whose mounts changed, whoever did it', async () => {
      const { mounts, target } = bench();
      const changes = collect(mounts.changes);
      await mounts.mountTmpfs({ target });
      await device().until(() => changes.seen.flat().includes(target));
      const before = changes.seen.length;
      await device().mischief.unmount(target);
      await device().until(() => changes.seen.slice(before).flat().includes(target));
      changes.stop();
      expect(await mounts.at(target)).toBeUndefined();
    });

    it('shows the next daemon the same mounts', async () => {
      const { mounts, target } = bench();
      await mountImage(bench());
      const before = await mounts.at(target);
      const next = await device().restart();
      expect(await next.mounts.at(target)).toEqual(before);
    });
  });
};

const mountMissing = (mounts: Mounts, image: string, target: string): Promise<void> =>
  mounts.mountImage({ image, target, filesystem: 'squashfs', readOnly: true });

const bindMissing = (mounts: Mounts, source: string, target: string): Promise<void> =>
  mounts.bind({ source, target, recursive: true, readOnly: false });

const copyOfImage = async (files: Files, image: string, copy: string): Promise<string> => {
  await files.writeStream(copy, files.stream(image), { mode: 0o644, maxBytes: 64 * 1024 * 1024 });
  return copy;
};
