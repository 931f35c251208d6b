/**
 * Debian packages, downloaded with their libraries and unpacked, never installed.
 *
 * In: package names. Out: a directory with their files. Downloads are kept under .cache/ by file name, which holds
 * the version. apt checks the signatures and sums; nothing of the machine's own file system is used or changed.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execute, pipe } from './execute.ts';

/** Dependencies worth following: shared libraries. The rest (adduser, init-system-helpers …) is for installing. */
const LIBRARY = /^ *\|?(?:Pre)?Depends: ((?:lib|zlib)[a-z0-9+.-]+)$/gm;
const ONLY_DEPENDS = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
  (kind) => `--no-${kind}`,
);

/** The packages and all libraries that they need, by name. @throws Error naming a package that Debian has not got. */
export async function withLibraries(packages: readonly string[]): Promise<readonly string[]> {
  const known = new Set(packages);
  let fresh = [...known];
  while (fresh.length > 0) {
    const depends = await withLists(() => execute('apt-cache', ['depends', ...ONLY_DEPENDS, ...fresh]));
    fresh = [...depends.matchAll(LIBRARY)].flatMap(([, name]) => (name === undefined || known.has(name) ? [] : [name]));
    for (const name of fresh) known.add(name);
  }
  return [...known].sort();
}

/** Paths of the packages' files in the cache; downloads what is not there yet. */
export async function download(packages: readonly string[], cache: string): Promise<readonly string[]> {
  mkdirSync(cache, { recursive: true });
  return withLists(async () => {
    const uris = await execute('apt-get', ['download', '--print-uris', ...packages]);
    const names = [...uris.matchAll(/^'[^']+' (\S+\.deb) /gm)].map(([, name]) => name ?? '');
    if (names.length !== packages.length) throw new Error(`apt-get found ${names.length} of ${packages.join(' ')}`);
    // In apt's order, not ours; a package's name ends at the first underscore of the file's.
    const missing = names.filter((name) => !existsSync(join(cache, name))).map((name) => name.replace(/_.*/, ''));
    if (missing.length > 0) await fetchInto(cache, missing);
    return names.map((name) => join(cache, name));
  });
}

/** apt leaves half a file behind when it is interrupted, so only whole ones are moved into the cache. */
async function fetchInto(cache: string, packages: readonly string[]): Promise<void> {
  const partial = mkdtempSync(join(cache, 'partial-'));
  try {
    // apt's own sandbox user may not write into a directory of root.
    await execute('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', ...packages], { cwd: partial });
    for (const name of readdirSync(partial)) renameSync(join(partial, name), join(cache, name));
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Machines made from small images come without apt's lists, and old lists name files that are gone: refresh, once. */
async function withLists<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (process.getuid?.() !== 0) throw error;
    await execute('apt-get', ['update', '-q']).catch(() => undefined); // a foreign source may fail; the next line decides
    return await ask();
  }
}

/** Unpacks into `root`, whose /bin, /lib … are links into /usr as on an installed system. */
export async function unpack(debs: readonly string[], root: string): Promise<void> {
  for (const directory of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', directory), { recursive: true });
    await execute('ln', ['-s', `usr/${directory}`, join(root, directory)]);
  }
  for (const deb of debs) {
    // Without keep-directory-symlink a package that ships /lib as a directory would replace the link.
    await pipe(['dpkg-deb', '--fsys-tarfile', deb], ['tar', '-x', '--keep-directory-symlink', '-C', root]);
  }
}
