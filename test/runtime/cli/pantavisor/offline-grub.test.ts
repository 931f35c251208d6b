/** Programs that work on a storage without a daemon find out for themselves which boot loader it belongs to. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import { linuxClock } from '../../../../runtime/host/linux/kernel/linux-clock.ts';
import { openStore } from '../../../../runtime/store/store.ts';
import { aState } from '../../../state-builder.ts';
import { pathsBelow } from '../../store/device.ts';
import { runProgram } from '../run-program.ts';

const ONE = aState().with('one.json', {}).toBytes();
let root: string;
let storage: string;

/** `locals/one` is committed, in a GRUB environment block. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pvtest-offline-'));
  const paths = pathsBelow(root);
  storage = paths.storage;
  const store = await openStore({ files: linuxFiles, clock: linuxClock, paths, bootloader: 'grub' });
  await store.propose('locals/one', ONE);
  await store.commit('locals/one');
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('a plan is made against what is committed there', async () => {
  await writeFile(join(root, 'same.json'), ONE);
  const { code, stdout } = await runProgram('pantavisor', ['plan', join(root, 'same.json'), '--against', storage]);
  expect(stdout).toMatch(/^nothing to do: locals\/one/);
  expect(code).toBe(0);
});

it('what is committed is not collected, and no other boot variables are made', async () => {
  const env = {
    PV_SYSTEM_INIT_MODE: 'appengine',
    PV_SYSTEM_RUNDIR: join(root, 'run'),
    PV_STORAGE_GC_PENDING_DEFERTIME: '0',
  };
  const { code, stderr } = await runProgram('pantavisor', ['gc', '--storage', storage], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(await readFile(join(storage, 'trails/locals/one/.pvr/json'))).toEqual(Buffer.from(ONE));
  expect(existsSync(join(storage, 'boot/uboot.txt'))).toBe(false);
});
