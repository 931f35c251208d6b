import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { tracesOf } from '../../hack/traces.ts';
import { registerCgroup } from './own-cgroups.ts';
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
    expect(tracesOf([target], [])).toEqual([`mount ${target}`]);
    expect(tracesOf([`${target}-of-somebody-else`], [])).toEqual([]);
  });

  test('sees a process by its environment', async () => {
    const MARK = `${markedDirectory()}/environment`;
    const child = spawn('sleep', ['60'], { env: { ...process.env, MARK }, stdio: 'ignore' });
    undo.push(async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    await once(child, 'spawn');
    expect(tracesOf([MARK], [])).toEqual([`process ${child.pid}: sleep 60`]);
  });

  test('sees a cgroup by its exact name, and none of another device', () => {
    const [hierarchy] = execFileSync('awk', ['$3 ~ /^cgroup/ {print $2; exit}', '/proc/mounts'], {
      encoding: 'utf8',
    }).split('\n');
    const own = basename(markedDirectory()).replaceAll(' ', '-');
    registerCgroup(own);
    const cgroup = `${hierarchy}/${own}/lxc/web`;
    mkdirSync(cgroup, { recursive: true });
    undo.push(() => rmdirSync(`${hierarchy}/${own}`));
    undo.push(() => rmdirSync(`${hierarchy}/${own}/lxc`));
    undo.push(() => rmdirSync(cgroup));
    expect(tracesOf(['/no/such/mark'], [own])).toEqual([
      `cgroup ${cgroup.slice('/sys/fs/cgroup/'.length, -'/lxc/web'.length)}`,
    ]);
    expect(tracesOf(['/no/such/mark'], [`${own}-of-another-device`])).toEqual([]);
  });

  test('reports nothing of others, also while what they have comes and goes', async () => {
    const mine = markedDirectory();
    const theirs = markedDirectory();
    execFileSync('mksquashfs', [mine, join(theirs, 'image'), '-quiet', '-no-progress'], { stdio: 'ignore' });
    const loop = execFileSync('losetup', ['--find', '--show', join(theirs, 'image')], { encoding: 'utf8' }).trim();
    undo.push(() => execFileSync('losetup', ['-d', loop]));
    const child = spawn('sleep', ['60'], { env: { ...process.env, PLACE: theirs }, stdio: 'ignore' });
    undo.push(async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    await once(child, 'spawn');
    expect(tracesOf([`${mine}/`], ['pantavisor-00000000'])).toEqual([]);
    expect(tracesOf([`${theirs}/`], [])).toEqual([`loop device ${loop}`]);
    expect(tracesOf([theirs], [])).toEqual([`process ${child.pid}: sleep 60`, `loop device ${loop}`]);
  });
}, ['loop', 'squashfs']);
