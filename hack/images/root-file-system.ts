/** Lays out one image's files and packs them, the same bytes every time. */
import { chmodSync, copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execute } from './execute.ts';
import { librariesOf } from './libraries.ts';
import type { Image } from './recipe.ts';
import { rootedPath } from './rooted-path.ts';

/** Mount points that a container expects. `/lib` is a directory: LXC refuses to mount through a symlink in a root. */
const DIRECTORIES = [
  'bin',
  'dev',
  'etc',
  'lib',
  'proc',
  'root',
  'run',
  'sbin',
  'sys',
  'tmp',
  'usr/bin',
  'usr/sbin',
  'var',
];
const BUSYBOX = '/bin/busybox';

/** Fills `target` from the unpacked packages in `packages` and the image's own files. */
export async function layOut(image: Image, packages: string, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  if (image.recipe.packages.length > 0) {
    for (const directory of DIRECTORIES) mkdirSync(join(target, directory), { recursive: true });
    const programs = image.recipe.programs;
    const libraries = await Promise.all(programs.map((program) => librariesOf(program, packages)));
    for (const path of new Set([...programs, ...image.recipe.files, ...libraries.flat()])) copy(packages, path, target);
    if (existsSync(join(packages, BUSYBOX))) await installBusybox(packages, target);
  }
  if (existsSync(image.overlay)) cpSync(image.overlay, target, { recursive: true });
  normalizeModes(target);
}

/** Symlinks are followed: libraries are links to versioned files, and only the name that is asked for is needed. */
function copy(from: string, path: string, to: string): void {
  mkdirSync(dirname(join(to, path)), { recursive: true });
  copyFileSync(rootedPath(from, path), join(to, path));
}

/** A name for every applet, as `busybox --install` would, without running anything inside the new root. */
async function installBusybox(packages: string, target: string): Promise<void> {
  copy(packages, BUSYBOX, target);
  const applets = await execute(join(target, BUSYBOX), ['--list-full']);
  for (const applet of applets.trim().split('\n')) {
    const path = join(target, applet);
    if (existsSync(path)) continue; // the real program came out of a package
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(BUSYBOX, path);
  }
}

/** A clone's modes depend on the umask of whoever cloned; the image must not. */
function normalizeModes(root: string): void {
  for (const path of ['.', ...readdirSync(root, { recursive: true, encoding: 'utf8' })]) {
    const stat = lstatSync(join(root, path));
    if (stat.isSymbolicLink()) continue;
    chmodSync(join(root, path), stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
  if (existsSync(join(root, 'tmp'))) chmodSync(join(root, 'tmp'), 0o1777);
}

/**
 * mksquashfs(1) sorts and packs reproducibly by itself; times and owners are what would differ.
 * @param more options of mksquashfs, such as how to compress
 */
export const packSquashfs = (root: string, file: string, more: readonly string[] = []): Promise<string> =>
  execute('mksquashfs', [
    root,
    file,
    '-noappend',
    '-quiet',
    '-no-progress',
    '-no-xattrs',
    '-all-root',
    '-mkfs-time',
    '0',
    '-all-time',
    '0',
    ...more,
  ]);
