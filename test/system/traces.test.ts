import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { deviceCgroups, tracesOf } from '../../hack/traces.ts';
import { describeSystem } from './require-root.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const markedDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'pvtest-traces '));
  undo.push(() => rmSync(directory, { recursive: true }));
  return directory;
};

describeSystem('the leak check', () => {
  test('sees a mount, also when its path holds a blank', () => {
    const target = markedDirectory();
    execFileSync('mount', ['-t', 'tmpfs', 'none', target]);
    undo.push(() => execFileSync('umount', [target]));
    expect(tracesOf([target], deviceCgroups())).toEqual([`mount ${target}`]);
    expect(tracesOf([`${target}-of-somebody-else`], deviceCgroups())).toEqual([]);
  });

  test('sees a process by its environment', async () => {
    const child = spawn('sleep', ['60'], { env: { ...process.env, MARK: 'pvtest-environment' }, stdio: 'ignore' });
    undo.push(async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    await once(child, 'spawn');
    expect(tracesOf(['pvtest-environment'], deviceCgroups())).toContain(`process ${child.pid}: sleep 60`);
  });

  test('sees an abandoned cgroup of LXC that is new, and not an old one', () => {
    const before = deviceCgroups();
    const [hierarchy] = execFileSync('awk', ['$3 ~ /^cgroup/ {print $2; exit}', '/proc/mounts'], {
      encoding: 'utf8',
    }).split('\n');
    const cgroup = `${hierarchy}/lxc.payload.pvtest-traces`;
    mkdirSync(cgroup);
    undo.push(() => rmdirSync(cgroup));
    expect(tracesOf(['pvtest-traces'], before)).toEqual([
      expect.stringMatching(/^cgroup .*lxc\.payload\.pvtest-traces$/),
    ]);
    expect(tracesOf(['pvtest-traces'], deviceCgroups())).toEqual([]);
  });
});
