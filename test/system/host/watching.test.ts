import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
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

  /** A change is seen, and nothing was before it. */
  const seesOnly = async (change: () => void): Promise<void> => {
    expect(events).toBe(0);
    await seesAfter(change);
  };
  const inotifyWatches = (): number =>
    fs.readdirSync('/proc/self/fdinfo').reduce((sum, fd) => {
      try {
        return sum + (fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify/gm)?.length ?? 0);
      } catch {
        return sum; // closed since it was listed
      }
    }, 0);

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

  test('survives that its file is renamed into place, as editors and rsync do', async () => {
    watch(base.root);
    for (let round = 0; round < 3; round += 1) {
      await seesAfter(() => fs.writeFileSync(`${base.root}/.file.tmp`, ''));
      await seesAfter(() => fs.renameSync(`${base.root}/.file.tmp`, `${base.root}/file`));
    }
  });

  test('follows the symlink that leads to it, also when it is switched, broken and made again', async () => {
    const link = `${base.root}/link`;
    for (const name of ['one', 'two']) fs.mkdirSync(`${base.root}/${name}/sub`, { recursive: true });
    const lead = (name: string): void => {
      fs.symlinkSync(name, `${base.root}/next`);
      fs.renameSync(`${base.root}/next`, link);
    };
    lead('one');
    watch(`${link}/sub`);
    await seesAfter(() => fs.writeFileSync(`${base.root}/one/sub/file`, ''));
    await seesAfter(() => lead('two'));
    await seesAfter(() => fs.writeFileSync(`${base.root}/two/sub/file`, ''));
    await seesAfter(() => lead('missing'));
    await seesAfter(() => lead(`${base.root}/one`));
    await seesAfter(() => fs.writeFileSync(`${base.root}/one/sub/file`, '2'));
  });

  test('sees what is mounted over it, and what was below when that is gone', async () => {
    const path = `${base.root}/watched`;
    fs.mkdirSync(path);
    watch(path);
    await seesAfter(() => execFileSync('mount', ['-t', 'tmpfs', 'none', path]));
    await seesAfter(() => fs.writeFileSync(`${path}/file`, ''));
    await seesAfter(() => execFileSync('umount', [path]));
    await seesAfter(() => fs.writeFileSync(`${path}/file`, ''));
  });

  test('sees what is mounted over one of its ancestors', async () => {
    const path = `${base.root}/data/incoming`;
    fs.mkdirSync(path, { recursive: true });
    watch(path);
    await seesAfter(() => {
      execFileSync('mount', ['-t', 'tmpfs', 'none', `${base.root}/data`]);
      fs.mkdirSync(path);
    });
    await seesAfter(() => fs.writeFileSync(`${path}/file`, ''));
  });

  test('does not look because of mounts elsewhere', async () => {
    const path = `${base.root}/watched`;
    fs.mkdirSync(path);
    fs.mkdirSync(`${base.root}/other`);
    watch(path);
    await seesAfter(() => fs.writeFileSync(`${path}/file`, ''));
    await sleep(200);
    events = 0;
    execFileSync('mount', ['-t', 'tmpfs', 'none', `${base.root}/other`]);
    await seesOnly(() => fs.writeFileSync(`${path}/file`, ''));
  });

  test('needs one inotify watch, however many files there are', async () => {
    for (let index = 0; index < 500; index += 1) fs.writeFileSync(`${base.root}/${index}`, '');
    const before = inotifyWatches();
    watch(base.root);
    await until(() => events > 0);
    expect(inotifyWatches() - before).toBe(1);
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
