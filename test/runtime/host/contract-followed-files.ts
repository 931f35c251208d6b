/** The port of followed files: reading, remembering with the file, and hearing of changes. */
import { describe, expect, it } from 'vitest';
import type { FollowedFile, FollowedFiles, FollowedRoot } from '../../../runtime/host/followed-files.ts';
import type { Files } from '../../../runtime/host/host.ts';

export interface FollowedFilesDevice {
  readonly followed: FollowedFiles;
  readonly files: Files;
  /** An existing, empty directory. */
  readonly root: FollowedRoot;
  /** Lets the device's time pass until it holds. */
  until(holds: () => boolean): Promise<void>;
}

export const followedFilesContract = (name: string, make: () => Promise<FollowedFilesDevice>): void => {
  const open = async ({ followed, root }: FollowedFilesDevice, path: string): Promise<FollowedFile> => {
    const file = await followed.open(root, path);
    if (file === undefined) throw new Error(`there is no ${path}`);
    return file;
  };
  const append = ({ files, root }: FollowedFilesDevice, path: string, text: string): Promise<void> =>
    files.append(`${root.path}${path}`, text, 0o644);

  describe(`followed files on ${name}`, () => {
    it('are absent as a value, also when they are no plain files', async () => {
      const device = await make();
      await device.files.makeDirectory(`${device.root.path}/directory`, 0o755);
      for (const path of ['/none', '/none/of/it', '/directory'])
        expect(await device.followed.open(device.root, path)).toBeUndefined();
    });

    it('are read from any position, as they grow', async () => {
      const device = await make();
      await append(device, '/log', 'one\n');
      const file = await open(device, '/log');
      expect((await file.read(1, 100)).toString()).toBe('ne\n');
      await append(device, '/log', 'two\n');
      expect(await file.stat()).toEqual({ sizeBytes: 8, isNamed: true });
      expect((await file.read(4, 3)).toString()).toBe('two');
      expect((await file.read(8, 3)).length).toBe(0);
      await file.close();
    });

    it('stay the same file under another name, which a new one of their name is not', async () => {
      const device = await make();
      await append(device, '/log', 'old\n');
      const old = await open(device, '/log');
      expect(await old.position()).toBeUndefined();
      expect(await old.remember(4)).toBe(true);
      await device.files.rename(`${device.root.path}/log`, `${device.root.path}/log.1`);
      await append(device, '/log', 'new\n');
      const [renamed, fresh] = [await open(device, '/log.1'), await open(device, '/log')];
      expect([renamed.identity, await renamed.position()]).toEqual([old.identity, 4]);
      expect(fresh.identity).not.toBe(old.identity);
      expect(await fresh.position()).toBeUndefined();
      expect((await old.read(0, 100)).toString()).toBe('old\n');
      for (const file of [old, renamed, fresh]) await file.close();
    });

    it('are emptied, and known to have lost their name', async () => {
      const device = await make();
      await append(device, '/log', 'some\n');
      const file = await open(device, '/log');
      await file.release(2);
      expect(await file.empty(1)).toBe(false);
      expect(await file.empty((await file.stat()).sizeBytes)).toBe(true);
      await device.files.remove(`${device.root.path}/log`);
      expect(await file.stat()).toEqual({ sizeBytes: 0, isNamed: false });
      await file.close();
    });

    it('are heard of: once when it watches, and then whenever they are made, written to, renamed or removed', async () => {
      const device = await make();
      const { files, root, followed } = device;
      const changes: readonly (() => Promise<void>)[] = [
        () => append(device, '/log', 'x'),
        () => append(device, '/log', 'y'),
        () => files.rename(`${root.path}/log`, `${root.path}/other`),
      ];
      for (const change of changes) {
        let heard = 0;
        const subscription = followed.watch(root, '/log').subscribe(() => {
          heard += 1;
        });
        await device.until(() => heard === 1);
        await change();
        await device.until(() => heard > 1);
        subscription.unsubscribe();
      }
    });
  });
};
