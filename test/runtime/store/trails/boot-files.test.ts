import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkBootFiles } from '../../../../runtime/store/trails/boot-files.ts';
import { type TestDevice, testDevice } from '../device.ts';

let device: TestDevice;
let trail: string;
beforeEach(async () => {
  device = await testDevice();
  trail = `${device.paths.storage}/trails/0`;
  await device.files.makeDirectory(`${trail}/bsp`, 0o755);
  for (const name of ['vmlinuz', 'initrd', 'board.dtb']) await device.files.write(`${trail}/bsp/${name}`, name, 0o644);
});
afterEach(() => device.remove());

const linked = async (): Promise<Record<string, string>> => {
  const names = ((await device.files.list(`${trail}/.pv`)) ?? []).filter((name) => /^(pv-|pantavisor)/.test(name));
  const texts = names.map(async (name) => [name, String(await device.files.read(`${trail}/.pv/${name}`, 64))]);
  return Object.fromEntries(await Promise.all(texts));
};

describe('what a boot loader loads', () => {
  it('has the same names in every revision', async () => {
    await linkBootFiles(device.files, trail, { linux: 'vmlinuz', initrd: 'initrd', fdt: 'board.dtb' });
    expect(await linked()).toEqual({
      'pv-kernel.img': 'vmlinuz',
      'pv-initrd.img': 'initrd',
      'pv-fdt.dtb': 'board.dtb',
    });
  });

  it('follows the manifest when that changes', async () => {
    await linkBootFiles(device.files, trail, { linux: 'vmlinuz', initrd: 'initrd', fdt: 'board.dtb' });
    await linkBootFiles(device.files, trail, { linux: 'initrd', initrd: 'vmlinuz' });
    expect(await linked()).toEqual({ 'pv-kernel.img': 'initrd', 'pv-initrd.img': 'vmlinuz' });
  });

  it('is refused when the revision has not got it', async () => {
    await expect(linkBootFiles(device.files, trail, { linux: 'vmlinuz', initrd: 'none' })).rejects.toThrow(
      'bsp/run.json: initrd is none, which is no file of the revision',
    );
  });
});
