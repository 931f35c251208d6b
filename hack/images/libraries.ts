/** Which shared libraries a program loads, asked of the unpacked loader itself, so that the machine's own do not count. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { execute } from './execute.ts';
import { rootedPath } from './rooted-path.ts';

const LOADER = /^ld-linux.*\.so\.\d+$/;

/** Where the loader looks, and where the image will have them. */
const libraryDirectories = (root: string): readonly string[] =>
  ['usr/lib', 'usr/lib64'].flatMap((directory) => {
    const triplets = readdirSync(join(root, directory)).filter((name) => name.endsWith('-linux-gnu'));
    return [directory, ...triplets.map((triplet) => `${directory}/${triplet}`)];
  });

/** Absolute, relative to the image's root: programs have this path compiled in. */
function loaderIn(root: string): string {
  for (const directory of ['lib64', 'lib']) {
    const name = readdirSync(join(root, directory)).find((entry) => LOADER.test(entry));
    if (name !== undefined) return `/${directory}/${name}`;
  }
  throw new Error(`no program loader under ${root}; is libc6 among the packages?`);
}

function isElf(path: string): boolean {
  const magic = Buffer.alloc(4);
  const file = openSync(path, 'r');
  readSync(file, magic, 0, 4, 0);
  closeSync(file);
  return magic.equals(Buffer.from('\x7fELF', 'latin1'));
}

/**
 * Paths, relative to the image's root, of the loader and all libraries that `program` loads at its start.
 * @throws Error naming a library that no package brought.
 */
export async function librariesOf(program: string, root: string): Promise<readonly string[]> {
  const path = rootedPath(root, program);
  if (!isElf(path)) return [];
  const loader = loaderIn(root);
  const directories = libraryDirectories(root).map((directory) => join(root, directory));
  const listed = await execute(rootedPath(root, loader), [
    '--inhibit-cache',
    '--library-path',
    directories.join(':'),
    '--list',
    path,
  ]);
  const libraries = [...listed.matchAll(/^\t(\S+) => (.+?)(?: \(0x[0-9a-f]+\))?$/gm)].map(
    ([, name = '', found = '']) => {
      // Not found, or found on this machine instead of in the packages: the image would not have it.
      if (!found.startsWith(`${root}/`))
        throw new Error(`${program} needs ${name}, which none of its packages contains`);
      return found.slice(root.length);
    },
  );
  return [...new Set([loader, ...libraries])];
}
