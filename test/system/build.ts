/** Before all system tests: the programs they run are those of this tree, not of a build from yesterday. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

export function setup(): void {
  execFileSync(process.execPath, [resolve(import.meta.dirname, '../../hack/build.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
