import * as fs from 'node:fs';
import type { Subscription } from 'rxjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchDirectory } from '../../../runtime/host/linux/files/watching.ts';
import { describeSystem } from '../require-root.ts';
import { type Scratch, scratch, until } from './scratch.ts';

describeSystem('watching a directory', () => {
  let base: Scratch;
  let watching: Subscription | undefined;
  let events = 0;

  beforeEach(() => {
    base = scratch('watching');
    events = 0;
  });
  afterEach(async () => {
    watching?.unsubscribe();
    await base.remove();
  });

  const watch = (path: string): void => {
    watching = watchDirectory(path).subscribe(() => {
      events += 1;
    });
  };
  const seesAfter = async (change: () => void): Promise<void> => {
    events = 0;
    change();
    await until(() => events > 0);
  };

  test('that does not exist yet tells when it and something in it appears', async () => {
    const path = `${base.root}/a/b/c`;
    watch(path);
    await seesAfter(() => fs.mkdirSync(path, { recursive: true }));
    await seesAfter(() => fs.writeFileSync(`${path}/file`, ''));
  });

  test('survives its removal, and its return under the same name', async () => {
    const path = `${base.root}/watched`;
    fs.mkdirSync(path);
    watch(path);
    for (let round = 0; round < 5; round += 1) {
      await seesAfter(() => fs.writeFileSync(`${path}/file`, ''));
      await seesAfter(() => {
        fs.rmSync(path, { recursive: true });
        fs.mkdirSync(path);
      });
      await seesAfter(() => fs.rmSync(path, { recursive: true }));
      await seesAfter(() => fs.mkdirSync(path));
    }
  });

  test('survives that it is replaced by another by rename', async () => {
    const path = `${base.root}/watched`;
    fs.mkdirSync(path);
    watch(path);
    await seesAfter(() => {
      fs.renameSync(path, `${base.root}/old`);
      fs.mkdirSync(path);
    });
    await seesAfter(() => fs.writeFileSync(`${path}/file`, ''));
  });

  test('says nothing about what happens beside it while it is missing', async () => {
    watch(`${base.root}/missing/deep`);
    fs.writeFileSync(`${base.root}/other`, '');
    await seesAfter(() => fs.mkdirSync(`${base.root}/missing/deep`, { recursive: true }));
    const before = events;
    fs.writeFileSync(`${base.root}/another`, '');
    await seesAfter(() => fs.writeFileSync(`${base.root}/missing/deep/file`, ''));
    expect(before).toBeLessThanOrEqual(2);
  });
});
