/** Directories by identity: whether one is still the one it was, or was removed and made anew. */
import type { Files } from './host.ts';

export interface Tree {
  readonly path: string;
  /** undefined: not seen yet. */
  readonly inode?: number;
}

/** Those of the directories that are there. */
export const treesAt = async (files: Files, paths: readonly string[]): Promise<readonly Tree[]> => {
  const found = await Promise.all(paths.map(async (path) => ({ path, stat: await files.stat(path) })));
  return found.flatMap(({ path, stat }) => (stat === undefined ? [] : [{ path, inode: stat.inode }]));
};

/** Every tree that was seen is where it was. */
export const areIntact = async (files: Files, trees: readonly Tree[]): Promise<boolean> => {
  const seen = trees.filter(({ inode }) => inode !== undefined);
  const now = await treesAt(
    files,
    seen.map(({ path }) => path),
  );
  return seen.every(({ path, inode }) => now.some((tree) => tree.path === path && tree.inode === inode));
};
