import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LinuxMounts } from '../../../runtime/host/linux/mounts/linux-mounts.ts';
import { MountTable } from '../../../runtime/host/linux/mounts/mount-table.ts';
import { describeSystem } from '../require-root.ts';
import { type Scratch, scratch, until } from './scratch.ts';

const PROBE = fileURLToPath(new URL('./event-probe.ts', import.meta.url));

describeSystem('changes that the kernel announces', () => {
  let base: Scratch;

  beforeEach(() => {
    base = scratch('events');
  });
  afterEach(() => base.remove());

  const directory = (name: string): string => {
    mkdirSync(`${base.root}/${name}`);
    return `${base.root}/${name}`;
  };
  const probe = (name: string): unknown => {
    const args = ['-m', '--propagation', 'private', process.execPath, PROBE, name, directory('target')];
    return JSON.parse(execFileSync('unshare', args, { encoding: 'utf8', timeout: 20_000 }));
  };

  test('wake once for the start and once for each change, and never without', () => {
    expect(probe('counting')).toEqual([1, 1, 1, 0]);
  });

  test('are not lost before the event loop waits for them', () => {
    expect(probe('atOnce')).toBeGreaterThanOrEqual(1);
  });

  test('are not lost while another one is being told', () => {
    expect(probe('within')).toBe(2);
  });

  test('cost no descriptors', () => {
    expect(probe('descriptors')).toEqual({ grown: 0, left: 0 });
  });

  test('name every target that changed, in a storm as well, until the host is closed', async () => {
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
    const module = new URL('../../../runtime/host/linux/kernel/kernel-events.ts', import.meta.url).pathname;
    const script = `
      const { changesOf } = await import(${JSON.stringify(module)});
      changesOf('/proc/self/mountinfo').subscribe();
      changesOf('/proc/swaps').subscribe();`;
    const options = { timeout: 20_000, encoding: 'utf8' } as const;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], options)).toBe('');
  });
});
