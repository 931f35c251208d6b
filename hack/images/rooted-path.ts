/** Paths inside a tree that will be a root one day: its absolute symlinks mean that root, not this machine's. */
import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** As the kernel's own limit (ELOOP). */
const MAX_LINKS = 40;

/** Where `path` of the tree really is, every symlink followed. @throws Error when it is not there. */
export function rootedPath(root: string, path: string): string {
  let rest = path.split('/').filter(Boolean);
  let resolved = '/';
  let links = 0;
  while (rest.length > 0) {
    const [name = '', ...others] = rest;
    // join keeps `..` at the root within the root.
    const next = join(resolved, name);
    const stat = lstatSync(join(root, next), { throwIfNoEntry: false });
    if (stat === undefined) throw new Error(`no package contains ${path}`);
    rest = others;
    if (!stat.isSymbolicLink()) {
      resolved = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new Error(`${path}: too many symlinks`);
    const target = readlinkSync(join(root, next));
    rest = [...target.split('/').filter(Boolean), ...rest];
    resolved = target.startsWith('/') ? '/' : dirname(next);
  }
  return join(root, resolved);
}
