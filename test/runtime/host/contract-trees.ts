/** Files: whole trees, and watching a directory. */
import { describe, expect, it } from 'vitest';
import type { Files } from '../../../runtime/host/host.ts';
import { collect, countAtRest, type Device } from './contract-device.ts';

const text = async (files: Files, path: string): Promise<string | undefined> =>
  (await files.read(path, 1024))?.toString();

export const treesContract = (device: Device): void => {
  const open = (): { files: Files; root: string } => ({ files: device().host.files, root: device().root });

  describe('trees and watches', () => {
    it('copies a tree with its links followed, into an emptied directory', async () => {
      const { files, root } = open();
      await files.makeDirectory(`${root}/from/deep`, 0o755);
      await files.write(`${root}/from/deep/file`, 'file', 0o640);
      await files.symlink('deep/file', `${root}/from/link`);
      await files.makeDirectory(`${root}/to/stale`, 0o755);
      await files.copyTree(`${root}/from`, `${root}/to`);
      expect(await files.list(`${root}/to`)).toEqual(['deep', 'link']);
      expect(await files.stat(`${root}/to/link`)).toMatchObject({ type: 'file', mode: 0o640 });
      expect(await text(files, `${root}/to/deep/file`)).toBe('file');
    });

    it('removes files, symlinks and trees, never what a symlink points to', async () => {
      const { files, root } = open();
      await files.makeDirectory(`${root}/tree/deep`, 0o755);
      await files.write(`${root}/kept`, 'kept', 0o600);
      await files.symlink(`${root}/kept`, `${root}/tree/link`);
      await files.symlink(root, `${root}/tree/deep/up`);
      await files.remove(`${root}/tree`);
      expect(await files.list(root)).toEqual(['kept']);
      await files.remove(`${root}/kept`);
      expect(await files.list(root)).toEqual([]);
    });

    it('does not remove across a mount', async () => {
      const { files, root } = open();
      await files.makeDirectory(`${root}/tree/mounted`, 0o755);
      await device().host.mounts.mountTmpfs({ target: `${root}/tree/mounted` });
      await files.write(`${root}/tree/mounted/precious`, 'precious', 0o600);
      await expect(files.remove(`${root}/tree`)).rejects.toMatchObject({ code: 'EBUSY' });
      await expect(files.remove(`${root}/tree/mounted`)).rejects.toMatchObject({ code: 'EBUSY' });
      expect(await text(files, `${root}/tree/mounted/precious`)).toBe('precious');
    });

    it('watches a directory that comes to be only later, and not its neighbours', async () => {
      const { files, root } = open();
      const events = collect(files.watch(`${root}/late/watched`));
      await files.makeDirectory(`${root}/late`, 0o755);
      await files.write(`${root}/late/neighbour`, '', 0o600);
      expect(await countAtRest(device(), events.seen)).toBe(0);
      await files.makeDirectory(`${root}/late/watched`, 0o755);
      await device().until(() => events.seen.length > 0);
      const before = await countAtRest(device(), events.seen);
      await files.write(`${root}/late/watched/file`, '', 0o600);
      await device().until(() => events.seen.length > before);
      events.stop();
    });

    it.each<[string, (files: Files, root: string) => Promise<void>]>([
      ['written', (files, root) => files.write(`${root}/new`, 'new', 0o600)],
      ['changed', (files, root) => files.write(`${root}/file`, 'changed', 0o600)],
      ['renamed', (files, root) => files.rename(`${root}/file`, `${root}/renamed`)],
      ['removed', (files, root) => files.remove(`${root}/file`)],
    ])('tells a watcher that something was %s', async (_, change) => {
      const { files, root } = open();
      await files.makeDirectory(`${root}/watched`, 0o755);
      await files.write(`${root}/watched/file`, 'file', 0o600);
      const events = collect(files.watch(`${root}/watched`));
      // A watch may need a moment to be in place: knock until it answers, then until the echoes are over.
      await device().until(async () => {
        await files.write(`${root}/watched/knock`, 'knock', 0o600);
        return events.seen.length > 0;
      });
      const before = await countAtRest(device(), events.seen);
      await change(files, `${root}/watched`);
      await device().until(() => events.seen.length > before);
      events.stop();
    });
  });
};
