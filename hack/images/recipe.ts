/** How an example's root file system is made: `examples/<device>/images/<container>/recipe.json`, and files beside it. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const AbsolutePath = z.string().regex(/^\/(?!.*(^|\/)\.\.(\/|$))./, 'expected an absolute path without ".."');

export const Recipe = z.strictObject({
  /** Debian packages to take things from; their libraries come along by themselves. None: only the files beside it. */
  packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'expected a Debian package name')),
  /** Executables out of the packages, copied with every shared library that they load. */
  programs: z.array(AbsolutePath).default([]),
  /** Other files out of the packages, copied as they are. */
  files: z.array(AbsolutePath).default([]),
});
export type Recipe = z.output<typeof Recipe>;

export interface Image {
  readonly container: string;
  readonly recipe: Recipe;
  /** Directory whose content is laid over what comes out of the packages. */
  readonly overlay: string;
  /** Changes with everything of ours that the image is made of; not with Debian's updates. */
  readonly key: string;
}

/** Part of every key: raise it when the builder makes other images out of the same recipe. */
const BUILDER_VERSION = 1;

/** @throws Error when a recipe is not there or not as expected. */
export function readImages(example: string): readonly Image[] {
  const images = join(example, 'images');
  return readdirSync(images).map((container) => {
    const file = join(images, container, 'recipe.json');
    const recipe = Recipe.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (!recipe.success) throw new Error(`${file}: ${z.prettifyError(recipe.error)}`);
    const overlay = join(images, container, 'rootfs');
    return { container, recipe: recipe.data, overlay, key: keyOf(recipe.data, overlay) };
  });
}

function keyOf(recipe: Recipe, overlay: string): string {
  const hash = createHash('sha256').update(JSON.stringify([BUILDER_VERSION, process.arch, recipe]));
  for (const path of existsSync(overlay) ? readdirSync(overlay, { recursive: true, encoding: 'utf8' }).sort() : []) {
    const stat = lstatSync(join(overlay, path));
    hash.update(JSON.stringify([path, (stat.mode & 0o100) !== 0]));
    if (stat.isFile()) hash.update(readFileSync(join(overlay, path)));
  }
  return hash.digest('hex').slice(0, 16);
}
