/** Somebody else on this machine: a mount, and an LXC container of a name that a device has, too. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CGROUPS, childrenOf } from '../../../hack/traces.ts';
import { registerCgroup } from '../own-cgroups.ts';
import { guestImage } from './guest.ts';
import { until } from './until.ts';

export interface Foreigner {
  /** What there is of it: pid of its container's init, mounts. */
  left(): readonly string[];
  remove(): Promise<void>;
}

export const foreigner = async (): Promise<Foreigner> => {
  const directory = mkdtempSync(join(tmpdir(), 'pvtest-foreign-'));
  const cgroup = basename(directory);
  registerCgroup(cgroup);
  const [root, data, lxc] = [join(directory, 'root'), join(directory, 'data'), join(directory, 'lxc')];
  mkdirSync(data);
  mkdirSync(join(lxc, 'web'), { recursive: true });
  writeFileSync(join(directory, 'image'), guestImage());
  execFileSync('unsquashfs', ['-d', root, join(directory, 'image')], { stdio: 'ignore' });
  execFileSync('mount', ['-t', 'tmpfs', 'pvtest', data]);
  const config = [
    'lxc.init.cmd = /init',
    `lxc.rootfs.path = dir:${root}`,
    'lxc.namespace.keep = user net ipc',
    `lxc.cgroup.dir.container = ${cgroup}/payload`,
    `lxc.cgroup.dir.monitor = ${cgroup}/monitor`,
    `lxc.cgroup.dir.monitor.pivot = ${cgroup}/pivot`,
  ];
  writeFileSync(join(lxc, 'web/config'), `${config.join('\n')}\n`);
  const command = (program: string, ...parameters: readonly string[]): string =>
    execFileSync(program, ['-P', lxc, '-n', 'web', ...parameters], { encoding: 'utf8', timeout: 20_000 });
  command('lxc-start', '-d');
  return {
    left: () => [command('lxc-info', '-p', '-H').trim(), ...mountsIn(directory)],
    remove: async () => {
      command('lxc-stop', '-k');
      await until('its monitor is gone', () => !readFileSync('/proc/net/unix', 'utf8').includes(` @${lxc}/`));
      execFileSync('umount', [data]);
      await until('its cgroups are empty', () => removeCgroups(cgroup));
      for (const place of ['/run/lxc', '/run/lxc/lock', ''])
        rmSync(join(place, directory), { recursive: true, force: true });
    },
  };
};

const mountsIn = (directory: string): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(directory));

/** LXC leaves its pivot behind. @returns whether nothing is left. */
const removeCgroups = (name: string): boolean => {
  const tops = [name, ...childrenOf('').map((hierarchy) => join(hierarchy, name))];
  return tops.filter((top) => existsSync(join(CGROUPS, top))).every(removeTree);
};

const removeTree = (cgroup: string): boolean => {
  try {
    for (const child of childrenOf(cgroup)) removeTree(child);
    rmdirSync(join(CGROUPS, cgroup));
    return true;
  } catch {
    return false; // somebody is still in it
  }
};
