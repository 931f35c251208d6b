/** Looking into containers whatever the layout of cgroups: each daemon in a mount namespace that shows one of them. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { test } from './real-device.ts';
import { realState } from './real-state.ts';

const SCRIPT = resolve(import.meta.dirname, '../scripts/layout.sh');
const DIST = resolve(import.meta.dirname, '../../../dist');
const execute = promisify(execFile);

/** Controllers can be taken out of v2 only where they are in v1. */
const isHybrid = existsSync('/sys/fs/cgroup/unified/cgroup.procs');
const LAYOUTS = isHybrid ? ['v1', 'hybrid', 'v2'] : ['v2'];

describeSystem('enter, exec and top', () => {
  test.for(LAYOUTS)('with cgroups %s', async (layout, { device }) => {
    const { directory, watched } = device;
    const state = realState().container('web', { run: { roles: ['nobody'] } });
    mkdirSync(join(directory, 'staging/objects'), { recursive: true });
    for (const [id, content] of state.objects) writeFileSync(join(directory, 'staging/objects', id), content);
    writeFileSync(join(directory, 'staging/json'), state.toText());
    execFileSync('tar', ['-C', join(directory, 'staging'), '-czf', join(watched, 'app.tgz'), 'json', 'objects']);

    const env = { ...process.env, PATH: `${DIST}:${process.env['PATH']}` };
    const { stdout } = await execute('unshare', ['-m', 'sh', SCRIPT, layout, directory], { env });
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toBe('exit 42');
    // The daemon takes whoever is inside for the container.
    expect(lines[1]).toMatch(/^403 /);
    const cgroups = lines.filter((line) => line.startsWith('cgroup ')).map((line) => line.split(':'));
    const ours =
      layout === 'v2'
        ? cgroups.filter(([first]) => first === 'cgroup 0')
        : layout === 'v1'
          ? cgroups.filter(([first]) => first !== 'cgroup 0')
          : cgroups;
    expect(ours.length).toBeGreaterThan(0);
    for (const [, , path] of ours) expect(path).toMatch(/^\/(\.lxc)?$/);
    const [usage] = JSON.parse(lines.at(-1) ?? '');
    expect(usage).toMatchObject({ name: 'web', status: 'STARTED', restarts: 0 });
    expect(usage.cpuSeconds).toBeGreaterThan(0);
    if (isHybrid && layout !== 'v2') expect(usage.memoryBytes).toBeGreaterThan(10_000);
  });
}, ['lxc', 'squashfs']);
