/** `hack/build-images [EXAMPLE] [DIRECTORY]`: builds an example's images; with a directory, puts the whole device there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stageExample } from './images/build.ts';

const [name = 'gateway', directory] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'pantavisor-images-'));
try {
  const target = directory ?? join(scratch, 'device');
  await stageExample(name, target, console.log);
  console.log(directory === undefined ? `the images of ${name} are in .cache/images` : `${name} is in ${target}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true });
}
