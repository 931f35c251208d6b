/** Tarballs of revisions that differ from the factory's in their BSP only: what did not change is on the device already. */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, createWriteStream, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { cpioOf } from '../../hack/device-image/cpio.ts';
import { packSquashfs } from '../../hack/images/root-file-system.ts';

export interface Drop {
  readonly name: string;
  /** New content by key of the state. */
  readonly changes: Readonly<Record<string, Buffer>>;
}

/** One tar with a tarball for each drop, as the raw content of a disk. */
export const writeDrops = async (file: string, factory: string, drops: readonly Drop[]): Promise<void> => {
  const outer = pack();
  const written = pipeline(outer, createWriteStream(file));
  for (const { name, changes } of drops) outer.entry({ name: `${name}.tar` }, await tarballOf(factory, changes));
  outer.finalize();
  await written;
};

const tarballOf = async (factory: string, changes: Drop['changes']): Promise<Buffer> => {
  const state = JSON.parse(factory);
  const archive = pack();
  for (const [key, content] of Object.entries(changes)) {
    const id = createHash('sha256').update(content).digest('hex');
    state[key] = id;
    archive.entry({ name: `objects/${id}` }, content);
  }
  archive.entry({ name: 'json' }, JSON.stringify(state));
  archive.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of archive) pieces.push(piece as Uint8Array); // a byte stream
  return Buffer.concat(pieces);
};

const put = (root: string, path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), 0o755);
};

/** Its init ends at once, which is a panic of the kernel. */
export const panickingRamDisk = (scratch: string): Buffer => {
  mkdirSync(join(scratch, 'bin'), { recursive: true });
  copyFileSync('/bin/busybox', join(scratch, 'bin/busybox'));
  put(scratch, 'init', '#!/bin/busybox sh\nexit 1\n');
  return zstdCompressSync(cpioOf(scratch));
};

/** Init and the scripts of an image, with a daemon that ends at once. */
export const brokenRoot = async (scratch: string): Promise<string> => {
  const root = join(scratch, 'tree');
  for (const directory of ['dev', 'proc', 'sys', 'run', 'storage', 'tmp', 'sbin', 'var/lib/lxc'])
    mkdirSync(join(root, directory), { recursive: true });
  mkdirSync(join(root, 'bin'));
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of [
    'sh',
    'mount',
    'umount',
    'cat',
    'cut',
    'echo',
    'sleep',
    'wc',
    'rm',
    'mkdir',
    'sync',
    'grep',
    'awk',
    'sed',
    'swapoff',
    'kill',
    'true',
  ])
    symlinkSync('busybox', join(root, 'bin', applet));
  for (const applet of ['init', 'reboot', 'poweroff']) symlinkSync('/bin/busybox', join(root, 'sbin', applet));
  const ours = join(import.meta.dirname, '../../hack/device-image/root');
  for (const path of [
    'etc/inittab',
    'usr/lib/pantavisor/supervise',
    'usr/lib/pantavisor/shutdown',
    'usr/lib/pantavisor/console',
  ]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    copyFileSync(join(ours, path), join(root, path));
  }
  put(root, 'usr/lib/pantavisor/early', '#!/bin/sh\n');
  put(root, 'usr/lib/pantavisor/dist/pantavisor', '#!/bin/sh\nexit 70\n');
  const file = join(scratch, 'root.squashfs');
  await packSquashfs(root, file);
  return file;
};
