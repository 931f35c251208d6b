/** Containers on this machine for tests: a busybox root as squashfs on a loop device, configured as pvr does it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { alterLxcConfig, type LxcContext } from '../../../resources/lxc/lxc-config.ts';
import { cgroupRootOf, monitorCgroup, payloadCgroup } from '../../../resources/lxc/lxc-place.ts';
import type { Paths } from '../../../resources/paths.ts';
import type { Containers } from '../../../runtime/host/host.ts';
import { cgroupLayout } from '../../../runtime/host/linux/lxc/cgroups.ts';
import { linuxContainers } from '../../../runtime/host/linux/lxc/linux-containers.ts';
import { pathsIn } from '../host/linux-device.ts';
import { scratch } from '../host/scratch.ts';
import { registerCgroup } from '../own-cgroups.ts';

export type OpenContainers = Containers & { close(): Promise<void> };

const APPLETS = ['sh', 'cat', 'sleep', 'kill', 'mkdir', 'seq', 'yes', 'hostname', 'ls', 'true'];

export interface Bench {
  readonly paths: Paths;
  /** LXC file as pvr writes it, altered; its init runs `script` with sh. */
  configOf(name: string, script: string, change?: { lines?: string; context?: Partial<LxcContext> }): string;
  open(): Promise<OpenContainers>;
  upperOf(name: string): string;
  /** What is on the machine because of this bench: cgroups, processes, LXC's run files. */
  traces(): readonly string[];
  /** Ends whatever still runs and takes everything off. */
  cleanup(): Promise<void>;
}

const makeRoot = (directory: string): string => {
  const root = `${directory}/rootfs`;
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp'])
    mkdirSync(`${root}/${name}`, { recursive: true });
  copyFileSync('/usr/bin/busybox', `${root}/bin/busybox`);
  for (const applet of APPLETS) symlinkSync('busybox', `${root}/bin/${applet}`);
  writeFileSync(`${root}/etc/resolv.conf`, '');
  execFileSync('mksquashfs', [root, `${directory}/root.squashfs`, '-quiet', '-no-progress'], { stdio: 'ignore' });
  return `${directory}/root.squashfs`;
};

const PVR = (name: string): string => `lxc.tty.max = 8
lxc.pty.max = 1024
lxc.cgroup.devices.allow = a
lxc.rootfs.path = overlayfs:/volumes/base/root.squashfs:/volumes/${name}/lxc-overlay/upper
lxc.init.cmd = /init.sh
lxc.namespace.keep = user net ipc
lxc.mount.auto = proc sys:rw cgroup
lxc.mount.entry = /etc/resolv.conf etc/resolv.conf none bind,rw,create=file 0 0
lxc.mount.entry = tmpfs run tmpfs rw,nodev,relatime,mode=755 0 0
`;

const contextOf = (paths: Paths, name: string): LxcContext => ({
  container: {
    name,
    group: 'group/app',
    revision: 'r1',
    roles: [],
    directory: `${paths.storage}/trails/r1/${name}`,
    bindModulesAndFirmware: true,
  },
  paths,
  devLog: false,
  logLevel: 2,
  consoleBytes: 65536,
  capture: true,
  host: { cgroups: cgroupLayout(), firmware: false },
});

/** In every hierarchy: the cgroup directories that a path below the hierarchy's root has. */
const cgroupsAt = (path: string): readonly string[] =>
  ['', ...readdirSync('/sys/fs/cgroup')]
    .map((name) => `/sys/fs/cgroup/${name}/${path}`)
    .filter((each) => existsSync(each));

const processesWith = (text: string): readonly string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(text) ? [`process ${pid}: ${command}`] : [];
      } catch {
        return []; // it ended while we looked
      }
    });

/** @param below makes the paths longer. */
export const bench = (below = ''): Bench => {
  const base = scratch('lxc');
  const directory = `${base.root}${below}`;
  const paths = pathsIn(directory);
  for (const each of Object.values(paths)) mkdirSync(each as string, { recursive: true });
  mkdirSync(`${paths.volumes}/base/root.squashfs`, { recursive: true });
  execFileSync('mount', [
    '-o',
    'loop,ro',
    '-t',
    'squashfs',
    makeRoot(directory),
    `${paths.volumes}/base/root.squashfs`,
  ]);
  registerCgroup(cgroupRootOf(paths.lxc));
  const opened: OpenContainers[] = [];
  const open = async (): Promise<OpenContainers> => {
    const containers = await linuxContainers({ lxcPath: paths.lxc });
    opened.push(containers);
    return containers;
  };
  const upperOf = (name: string): string => `${paths.volumes}/${name}/lxc-overlay/upper`;
  const traces = (): readonly string[] => [
    ...cgroupsAt(cgroupRootOf(paths.lxc)),
    ...processesWith(paths.lxc),
    ...['', '/lock'].map((kind) => `/run/lxc${kind}${paths.lxc}`).filter((path) => existsSync(path)),
  ];
  return {
    paths,
    open,
    upperOf,
    traces,
    configOf: (name, script, { lines = '', context = {} } = {}) => {
      mkdirSync(upperOf(name), { recursive: true });
      writeFileSync(`${upperOf(name)}/init.sh`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const altered = alterLxcConfig(`${PVR(name)}${lines}`, { ...contextOf(paths, name), ...context });
      for (const each of altered.directories) mkdirSync(each, { recursive: true });
      return altered.text;
    },
    cleanup: async () => {
      for (const containers of opened) await containers.close();
      const last = await linuxContainers({ lxcPath: paths.lxc });
      for (const name of await last.list()) await end(last, name);
      last.exits.subscribe();
      await last.close();
      await base.remove();
    },
  };
};

/** Kills a container, waits for its end, and removes it. */
export const end = async (containers: Containers, name: string): Promise<void> => {
  const gone = Promise.withResolvers<void>();
  const look = async (): Promise<void> => {
    if ((await containers.inspect(name)) === undefined) gone.resolve();
  };
  const subscription = containers.changes.subscribe((changed) => {
    if (changed === name) look().catch(gone.reject);
  });
  await containers.kill(name);
  await look();
  await gone.promise;
  subscription.unsubscribe();
  await containers.remove(name);
};

export const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

export const cgroupsOf = ({ paths }: Bench, name: string): readonly string[] => [
  ...cgroupsAt(payloadCgroup(paths.lxc, name)),
  ...cgroupsAt(monitorCgroup(paths.lxc, name)),
];

/** The containers module in a process of its own, which can be killed. It starts what is named and prints the pids. */
export const supervisor = async (paths: Paths, names: readonly string[]) => {
  const child = spawn(process.execPath, [`${import.meta.dirname}/supervisor.ts`, paths.lxc, ...names], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]; // 'line' has one string
  const pids = JSON.parse(line) as Record<string, number>; // supervisor.ts printed it
  const pid = child.pid ?? 0;
  return {
    pid,
    pids,
    /** Signals its whole process group. */
    end: async (signal: NodeJS.Signals): Promise<void> => {
      process.kill(-pid, signal);
      await exited;
    },
  };
};
