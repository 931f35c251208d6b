import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import type { Bootloader } from '../../../../runtime/store/boot/bootloader.ts';
import { ubootBootloader } from '../../../../runtime/store/boot/uboot.ts';

let directory: string;
let path: string;
let bootloader: Bootloader;
beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/pvtest-uboot-`);
  path = `${directory}/uboot.txt`;
  bootloader = ubootBootloader(linuxFiles, path);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const entries = async (): Promise<string> => (await readFile(path, 'latin1')).replace(/\0+$/, '');

test('no file is no variables', async () => {
  expect(await bootloader.read()).toBeUndefined();
});

test('an empty value counts as unset', async () => {
  await writeFile(path, 'pv_rev=3\0pv_try=\0\0\0');
  expect(await bootloader.read()).toEqual({ pv_rev: '3' });
});

test('the file Pantavisor deploys first is understood', async () => {
  await writeFile(path, 'pv_rev=0\0\0\0');
  expect(await bootloader.read()).toEqual({ pv_rev: '0' });
});

test('a file is 65536 bytes, zero-padded', async () => {
  await bootloader.write({ pv_rev: '0' });
  const content = await readFile(path);
  expect(content).toHaveLength(65_536);
  expect(content.subarray(0, 10).toString()).toBe('pv_rev=0\0\0');
});

test('pv_try and pv_trying are told apart, though one begins like the other', async () => {
  await writeFile(path, 'pv_trying=5\0pv_rev=4\0');
  expect(await bootloader.read()).toEqual({ pv_rev: '4', pv_trying: '5' });
  await bootloader.write({ pv_try: '6' });
  expect(await bootloader.read()).toEqual({ pv_rev: '4', pv_try: '6', pv_trying: '5' });
});

test('foreign entries survive byte for byte, behind ours', async () => {
  await writeFile(path, Buffer.from('fdt=a\xff\0pv_rev=4\0arch=arm\0', 'latin1'));
  await bootloader.write({ pv_rev: '5' });
  expect(await entries()).toBe('pv_rev=5\0fdt=a\xff\0arch=arm');
});

test('foreign entries survive wherever they are', async () => {
  await writeFile(path, Buffer.concat([Buffer.from('pv_rev=4\0'), Buffer.alloc(50_000), Buffer.from('far=away\0')]));
  await bootloader.write({ pv_rev: '5' });
  expect(await entries()).toBe('pv_rev=5\0far=away');
});

test('writing what is there writes nothing', async () => {
  await bootloader.write({ pv_rev: '1' });
  const { inode } = (await linuxFiles.stat(path)) ?? {};
  await bootloader.write({ pv_rev: '1' });
  expect((await linuxFiles.stat(path))?.inode).toBe(inode);
});

test('writes at the same time lose nothing', async () => {
  await Promise.all([bootloader.write({ pv_rev: '1' }), bootloader.write({ pv_try: '2' })]);
  expect(await bootloader.read()).toEqual({ pv_rev: '1', pv_try: '2' });
});

test.each([
  ['a NUL', '1\0pv_try=2'],
  ['more than is read back', 'x'.repeat(121)],
])('a value with %s is refused, and the next write works', async (_, value) => {
  await expect(bootloader.write({ pv_rev: value })).rejects.toThrow(/boot variable pv_rev: expected at most 127/);
  await bootloader.write({ pv_rev: '1' });
  expect(await bootloader.read()).toEqual({ pv_rev: '1' });
});

test.each(['', '\0\0\0', 'garbage', '=', 'pv_rev', '\xff'.repeat(70_000)])('garbage %#: no variables', async (text) => {
  await writeFile(path, text, 'latin1');
  expect(await bootloader.read()).toEqual({});
});

test.each([
  ['as a person writes it, with line breaks', 'pv_rev=4\npv_try=5\n', { pv_rev: '4\npv_try=5\n' }],
  ['with carriage returns', 'pv_rev=4\r\0pv_try=5\r\0', { pv_rev: '4\r', pv_try: '5\r' }],
  ['with entries twice', 'pv_rev=4\0pv_rev=6\0', { pv_rev: '6' }],
  ['with an entry that has more of the sign', 'pv_rev=a=b\0', { pv_rev: 'a=b' }],
  ['that ends without NUL', 'pv_rev=4', { pv_rev: '4' }],
])('a file %s is read as it stands', async (_, text, values) => {
  await writeFile(path, text, 'latin1');
  expect(await bootloader.read()).toEqual(values);
});

test('a file that others have filled takes no more, and says so', async () => {
  const full = `pv_rev=1\0${'k=v'.padEnd(65_536 - 10, 'x')}\0`;
  await writeFile(path, full.slice(0, 65_536), 'latin1');
  await expect(bootloader.write({ pv_try: 'locals/x' })).rejects.toMatchObject({ code: 'ENOSPC' });
  expect((await readFile(path, 'latin1')).slice(0, 9)).toBe('pv_rev=1\0');
  await bootloader.write({ pv_rev: '2' });
  expect((await bootloader.read())?.pv_rev).toBe('2');
});

test('ours are within the first 1024 bytes, which is all that Pantavisor reads', async () => {
  await writeFile(path, `${Array.from({ length: 200 }, (_, at) => `key${at}=${'x'.repeat(90)}\0`).join('')}`, 'latin1');
  const long = `locals/${'n'.repeat(64)}`;
  await bootloader.write({ pv_rev: long, pv_try: long, pv_trying: long });
  const head = (await readFile(path, 'latin1')).slice(0, 1024);
  for (const key of ['pv_rev', 'pv_try', 'pv_trying']) expect(head).toContain(`${key}=${long}\0`);
  expect(await entries()).toContain('key199=');
});

test('an entry of 127 bytes is the longest that Pantavisor reads', async () => {
  const longest = 'r'.repeat(127 - 'pv_rev='.length);
  await bootloader.write({ pv_rev: longest });
  expect(await bootloader.read()).toEqual({ pv_rev: longest });
  await expect(bootloader.write({ pv_rev: `${longest}r` })).rejects.toMatchObject({
    code: 'ENOSPC',
    message: expect.stringContaining('boot variable pv_rev: expected at most 127 bytes'),
  });
  expect(await bootloader.read()).toEqual({ pv_rev: longest });
});

test('a value with a NUL would be two entries, and is refused', async () => {
  await expect(bootloader.write({ pv_rev: '1\0pv_try=2' })).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(await bootloader.read()).toBeUndefined();
});

test('entries of others that leave no room for ours are not cut off', async () => {
  const foreign = `far=${'x'.repeat(65_536 - 'far='.length - 1)}\0`;
  await writeFile(path, foreign, 'latin1');
  await expect(bootloader.write({ pv_rev: '1' })).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(await readFile(path, 'latin1')).toBe(foreign);
});

test('after a try there is no empty pv_trying, which the boot script of Pantavisor takes for a revision', async () => {
  await bootloader.write({ pv_rev: '4', pv_try: '5', pv_trying: '5' });
  expect(await entries()).toBe('pv_rev=4\0pv_try=5\0pv_trying=5');
  await bootloader.write({ pv_rev: '5', pv_try: '', pv_trying: '' });
  expect(await entries()).toBe('pv_rev=5\0pv_try=');
});
