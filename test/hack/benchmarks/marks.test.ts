import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { watchMarks } from '../../../hack/benchmarks/marks.ts';

function aDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'pantavisor-marks-'));
  const marks = watchMarks(directory);
  onTestFinished(() => {
    marks.close();
    rmSync(directory, { recursive: true });
  });
  return { marks, run: (name: string) => appendFileSync(join(directory, name), '\n') };
}

test('what the kernel tells late of one start is never taken for the next one', async () => {
  const { marks, run } = aDirectory();
  for (let round = 0; round < 20; round += 1) {
    run('web');
    await marks.left(1);
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    const askedAtMs = performance.now();
    run('web');
    expect(await marks.left(1)).toBeGreaterThanOrEqual(askedAtMs);
  }
});

test('many containers have run when each of them has', async () => {
  const { marks, run } = aDirectory();
  const all = marks.left(2);
  run('web');
  run('web');
  const beforeLastMs = performance.now();
  run('broker');
  expect(await all).toBeGreaterThanOrEqual(beforeLastMs);
});
