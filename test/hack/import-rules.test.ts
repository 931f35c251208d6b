import { describe, expect, it } from 'vitest';
import { importProblems, problemsIn, ROOMS, roomOf, sources } from '../../hack/import-rules.ts';

describe('import rules', () => {
  it('hold for every source file of the product', () => {
    expect(importProblems()).toEqual([]);
  });

  it('describe no room that has no files', () => {
    const used = new Set(sources().map(roomOf));
    expect(Object.keys(ROOMS).filter((room) => !used.has(room))).toEqual([]);
  });

  it.each([
    ['reconcilers/container.ts', "import { x } from '../runtime/engine/loop.ts';", 'runtime/engine/loop.ts'],
    ['reconcilers/container.ts', "import { readFileSync } from 'node:fs';", 'node:fs'],
    ['resources/plan.ts', "import type { Loop } from '../runtime/engine/loop.ts';", 'runtime/engine/loop.ts'],
    [
      'controllers/disk.ts',
      "import { linuxFiles } from '../runtime/host/linux/files/linux-files.ts';",
      'linux-files.ts',
    ],
    ['runtime/engine/loop.ts', "import { open } from 'ffi-rs';", 'ffi-rs'],
    ['runtime/api/api.ts', "const x = await import('../push/push.ts');", 'runtime/push/push.ts'],
    ['runtime/host/host.ts', "export { a } from '../logging/log-server.ts';", 'runtime/logging/log-server.ts'],
  ])('refuse that %s says %s', (path, text, culprit) => {
    expect(problemsIn(path, text)).toEqual([expect.stringContaining(culprit)]);
  });

  it('refuse a controller that imports another one', () => {
    const text = "import { diskController } from './disk.ts';";
    expect(problemsIn('controllers/container.ts', text)).toHaveLength(1);
  });

  it('refuse a folder that nobody described', () => {
    expect(problemsIn('runtime/misc/x.ts', '')).toEqual([expect.stringContaining('no room')]);
  });

  it('let a room import itself, what its row names, and packages that touch no machine', () => {
    const text =
      "import { a } from './b.ts';\nimport { Subject } from 'rxjs';\nimport type { R } from '../../resources/ref.ts';";
    expect(problemsIn('runtime/engine/loop.ts', text)).toEqual([]);
  });
});
