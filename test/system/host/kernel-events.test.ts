import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import type { Subscription } from 'rxjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changesOf } from '../../../runtime/host/linux/kernel-events.ts';
import { mount, umount2 } from '../../../runtime/host/linux/libc.ts';
import { MountTable } from '../../../runtime/host/linux/mount-table.ts';
import { LinuxMounts } from '../../../runtime/host/linux/mounts.ts';
import { describeSystem } from '../require-root.ts';
import { type Scratch, scratch, until } from './scratch.ts';

describeSystem('changes that the kernel announces', () => {
  let base: Scratch;
  const subscriptions: Subscription[] = [];

  beforeEach(() => {
    base = scratch('events');
  });
  afterEach(async () => {
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
    await base.remove();
  });

  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const directory = (name: string): string => {
    mkdirSync(`${base.root}/${name}`);
    return `${base.root}/${name}`;
  };

  test('wake every subscriber each time, and cost no descriptors', async () => {
    const before = descriptors();
    const counts = [0, 0];
    for (const index of counts.keys()) {
      const count = (): void => {
        counts[index] = (counts[index] ?? 0) + 1;
      };
      subscriptions.push(changesOf('/proc/self/mountinfo').subscribe(count));
    }
    const target = directory('target');
    const atRest = descriptors();
    for (let round = 0; round < 100; round += 1) {
      const seen = [...counts];
      await mount('none', target, { type: 'tmpfs', flags: 0 });
      await until(() => counts.every((count, index) => count > (seen[index] ?? 0)));
      await umount2(target, 0);
    }
    await until(() => descriptors() === atRest);
    for (const subscription of subscriptions) subscription.unsubscribe();
    await until(() => descriptors() === before);
  });

  test('are seen by a subscriber that was busy while they happened', async () => {
    const target = directory('target');
    let count = 0;
    subscriptions.push(
      changesOf('/proc/self/mountinfo').subscribe(() => {
        count += 1;
        // Inside of the notification itself, synchronously: the next one must not be lost.
        if (count === 1) execFileSync('umount', [target]);
      }),
    );
    execFileSync('mount', ['-t', 'tmpfs', 'none', target]);
    await until(() => count >= 2);
  });

  test('name every target that changed, in a storm as well', async () => {
    const table = new MountTable();
    const closing = new AbortController();
    const mounts = new LinuxMounts(table, closing.signal);
    const seen = new Set<string>();
    let completed = false;
    mounts.changes.subscribe({
      next: (targets) => {
        for (const target of targets) seen.add(target);
      },
      complete: () => {
        completed = true;
      },
    });
    const targets = Array.from({ length: 50 }, (_, index) => directory(`target${index}`));
    await Promise.all(targets.map((target) => mounts.mountTmpfs({ target })));
    await until(() => targets.every((target) => seen.has(target)));
    seen.clear();
    await Promise.all(targets.map((target) => mounts.unmount(target)));
    await until(() => targets.every((target) => seen.has(target)));
    closing.abort();
    expect(completed).toBe(true);
    table.close();
  });

  test('leave the process free to end', () => {
    const module = new URL('../../../runtime/host/linux/kernel-events.ts', import.meta.url).pathname;
    const script = `
      const { changesOf } = await import(${JSON.stringify(module)});
      changesOf('/proc/self/mountinfo').subscribe();
      changesOf('/proc/swaps').subscribe();`;
    const options = { timeout: 20_000, encoding: 'utf8' } as const;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], options)).toBe('');
  });
});
