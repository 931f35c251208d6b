/**
 * Builds an example's root file systems from Debian packages, once.
 *
 * In: `examples/<name>/device`, a state as `pvr checkout` lays it out, without its images, and
 * `examples/<name>/images/<container>/`, how to make them. Out: squashfs files under .cache/images, named by what
 * they are made of; and, on request, the whole device in a directory, ready for `pantavisor pack`.
 * Nothing is installed on the machine and nothing is written outside .cache and the asked-for directory.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { download, unpack, withLibraries } from './debian.ts';
import { type Image, readImages } from './recipe.ts';
import { layOut, packSquashfs } from './root-file-system.ts';

const project = resolve(import.meta.dirname, '../..');
const examples = join(project, 'examples');
const cache = join(project, '.cache');

export type Say = (line: string) => void;

export const exampleNames = (): readonly string[] => readdirSync(examples).sort();

/** Writes the example with its images into `target`, which must not exist. @throws Error saying which example there is. */
export async function stageExample(name: string, target: string, say: Say): Promise<void> {
  if (!exampleNames().includes(name)) throw new Error(`no example '${name}'; there are: ${exampleNames().join(', ')}`);
  const images = readImages(join(examples, name));
  const built = new Map<string, string>();
  for (const image of images) built.set(image.container, await buildImage(`${name}-${image.container}`, image, say));
  cpSync(join(examples, name, 'device'), target, { recursive: true, errorOnExist: true, force: false });
  for (const [container, file] of built) cpSync(file, join(target, container, 'root.squashfs'));
}

/** Path of the image in the cache. A half-built one never has that name. */
async function buildImage(name: string, image: Image, say: Say): Promise<string> {
  const images = join(cache, 'images');
  const file = join(images, `${name}-${image.key}.squashfs`);
  if (existsSync(file)) return file;

  mkdirSync(images, { recursive: true });
  const scratch = mkdtempSync(join(cache, 'build-'));
  try {
    const packages = join(scratch, 'packages');
    if (image.recipe.packages.length > 0) {
      const names = await withLibraries(image.recipe.packages);
      say(
        `image ${image.container}: ${image.recipe.packages.join(', ')} and what they need (${names.length} Debian packages)`,
      );
      await unpack(await download(names, join(cache, 'debs')), packages);
    }
    await layOut(image, packages, join(scratch, 'root'));
    await packSquashfs(join(scratch, 'root'), join(scratch, 'image'));
    forgetOldOnes(images, name);
    renameSync(join(scratch, 'image'), file);
    say(`image ${image.container}: ${Math.ceil(statSync(file).size / 1024)} KiB`);
    return file;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function forgetOldOnes(images: string, name: string): void {
  for (const file of readdirSync(images)) {
    if (file.startsWith(`${name}-`) && /^[0-9a-f]{16}\.squashfs$/.test(file.slice(name.length + 1)))
      rmSync(join(images, file));
  }
}
