import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import type { Bootloader } from '../../../../runtime/store/boot/bootloader.ts';
import { formatGrubenv, grubBootloader, parseGrubenv } from '../../../../runtime/store/boot/grub.ts';
import { onPath } from '../../../system/require-root.ts';

let directory: string;
let path: string;
let bootloader: Bootloader;
beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/pvtest-grub-`);
  path = `${directory}/grubenv`;
  bootloader = grubBootloader(linuxFiles, path);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const block = (text: string): string => `# GRUB Environment Block\n${text}`.padEnd(1024, '#');
const content = (): Promise<string> => readFile(path, 'latin1');

test('no file is no variables', async () => {
  expect(await bootloader.read()).toBeUndefined();
});

test('a new block is 1024 bytes, padded with #', async () => {
  await bootloader.write({ pv_rev: '0' });
  expect(await content()).toBe(block('pv_rev=0\n'));
});

test('an unset variable is gone from the block', async () => {
  await writeFile(path, block('pv_rev=3\npv_try=4\npv_trying=4\n'));
  await bootloader.write({ pv_rev: '4', pv_try: '', pv_trying: '' });
  expect(await content()).toBe(block('pv_rev=4\n'));
});

test('foreign entries survive', async () => {
  await writeFile(path, block('saved_entry=gnulinux\npv_rev=1\nnext=a\\\\b\n'));
  await bootloader.write({ pv_rev: '2' });
  expect(await content()).toBe(block('saved_entry=gnulinux\npv_rev=2\nnext=a\\\\b\n'));
});

test('comments and lines that are no entries are nobody\u2019s variables', async () => {
  await writeFile(path, block('# pv_rev=9\npv_rev\n=x\npv_rev=2\r\n\npv_try=\n'));
  // A carriage return belongs to the value, as GRUB has it; such a revision is none.
  expect(await bootloader.read()).toEqual({ pv_rev: '2\r' });
});

test('a full block takes what fits to the byte, and nothing more', async () => {
  const room = 1024 - '# GRUB Environment Block\n'.length - 'pv_rev=1\n'.length - 'big=\n'.length;
  await writeFile(path, block(`big=${'x'.repeat(room - 'pv_try=2\n'.length)}\npv_rev=1\n`));
  await bootloader.write({ pv_try: '2' });
  expect(await content()).toHaveLength(1024);
  expect(await content()).not.toContain('#\n#');
  expect(await bootloader.read()).toEqual({ pv_rev: '1', pv_try: '2' });
  await expect(bootloader.write({ pv_try: '33' })).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(await bootloader.read()).toEqual({ pv_rev: '1', pv_try: '2' });
  await bootloader.write({ pv_rev: '2', pv_try: '' });
  expect(await bootloader.read()).toEqual({ pv_rev: '2' });
});

test.skipIf(!onPath('grub-editenv'))('what GRUB writes is read, and GRUB goes on with what we made of it', async () => {
  const grub = (...words: readonly string[]) => promisify(execFile)('grub-editenv', [path, ...words]);
  await grub('create');
  await grub('set', 'saved_entry=a b', 'pv_rev=7');
  await bootloader.write({ pv_try: 'locals/x' });
  await grub('unset', 'pv_try');
  await grub('set', 'pv_rev=8');
  expect(await bootloader.read()).toEqual({ pv_rev: '8' });
  expect((await grub('list')).stdout).toBe('saved_entry=a b\npv_rev=8\n');
  expect(await content()).toHaveLength(1024);
});

test.each([
  ['a block of another size', `${block('pv_rev=1\n')}#`],
  ['another header', block('pv_rev=1\n').replace('GRUB', 'grub')],
  ['an empty file', ''],
])('%s is no block, and is replaced', async (_, text) => {
  await writeFile(path, text);
  expect(await bootloader.read()).toBeUndefined();
  await bootloader.write({ pv_rev: '7' });
  expect(await content()).toBe(block('pv_rev=7\n'));
});

test('what does not fit is refused, and the block stays', async () => {
  await writeFile(path, block(`big=${'x'.repeat(960)}\npv_rev=1\n`));
  await expect(bootloader.write({ pv_try: `locals/${'n'.repeat(60)}` })).rejects.toMatchObject({
    code: 'ENOSPC',
    message: expect.stringContaining('of 1024 bytes'),
  });
  expect(await bootloader.read()).toEqual({ pv_rev: '1' });
});

test('values with line breaks and backslashes come back', () => {
  const entries = new Map([
    ['a', 'one\ntwo'],
    ['b', 'c:\\d'],
  ]);
  expect(parseGrubenv(formatGrubenv(entries))).toEqual(entries);
});

test.skipIf(!onPath('grub-editenv'))('GRUB itself reads what we write', async () => {
  await bootloader.write({ pv_rev: '0', pv_try: 'locals/web' });
  const { stdout } = await promisify(execFile)('grub-editenv', [path, 'list']);
  expect(stdout).toBe('pv_rev=0\npv_try=locals/web\n');
});
