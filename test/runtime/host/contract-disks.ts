/** Disks: what a device holds, and never formatting over it. */
import { describe, expect, it } from 'vitest';
import type { Disks } from '../../../runtime/host/host.ts';
import { collect, type Device } from './contract-device.ts';

const MIB = 1024 * 1024;

export const disksContract = (device: Device): void => {
  const open = (): { disks: Disks; path: string } => ({
    disks: device().host.disks,
    path: `${device().root}/disk`,
  });

  describe('disks', () => {
    it('names what a device or file holds', async () => {
      const { disks, path } = open();
      expect(await disks.contents(path)).toBeUndefined();
      expect(await disks.contents(device().image)).toBe('squashfs');
      await disks.allocate(path, MIB);
      expect(await disks.contents(path)).toBe('blank');
    });

    it('allocates once: private, and never touched again', async () => {
      const { disks, path } = open();
      const { files } = device().host;
      await disks.allocate(path, MIB);
      expect(await files.stat(path)).toMatchObject({ sizeBytes: MIB, mode: 0o600 });
      await files.write(path, 'mine', 0o600);
      await disks.allocate(path, MIB);
      expect((await files.read(path, 10))?.toString()).toBe('mine');
    });

    it.each(['ext4', 'ext3', 'swap'] as const)('formats a blank file as %s, and never a second time', async (type) => {
      const { disks, path } = open();
      await disks.allocate(path, 8 * MIB);
      await disks.format(path, type, []);
      expect(await disks.contents(path)).toBe(type);
      await expect(disks.format(path, 'ext4', [])).rejects.toMatchObject({ code: 'EEXIST' });
      expect(await disks.contents(path)).toBe(type);
    });

    it('refuses to format an image, and what is not there', async () => {
      const { disks, path } = open();
      await expect(disks.format(device().image, 'ext4', [])).rejects.toMatchObject({ code: 'EEXIST' });
      expect(await disks.contents(device().image)).toBe('squashfs');
      await expect(disks.format(path, 'ext4', [])).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('turns swap on and off, and tells about it', async (context) => {
      const { disks, path } = open();
      if (!disks.swapSupported) return context.skip('this kernel has no swap');
      await disks.allocate(path, 8 * MIB);
      await disks.format(path, 'swap', []);
      const changes = collect(disks.swapChanges);
      await disks.swapOn(path, []);
      await disks.swapOn(path, []);
      expect(await disks.swaps()).toContain(path);
      await device().until(() => changes.seen.length > 0);
      await disks.swapOff(path);
      await disks.swapOff(path);
      expect(await disks.swaps()).not.toContain(path);
      changes.stop();
    });

    it('sets up zram devices and frees them', async (context) => {
      const { disks } = open();
      if (!disks.zramSupported) return context.skip('this kernel has no zram');
      const node = await disks.zramCreate([['disksize', '8M']]);
      expect(await disks.contents(node)).toBe('blank');
      await disks.zramRemove(node);
      await disks.zramRemove(node);
      expect(await disks.contents(node)).toBeUndefined();
    });
  });
};
