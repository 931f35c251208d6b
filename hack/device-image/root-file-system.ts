/**
 * The root file system of the device, a squashfs: Node and the daemon, LXC, the tools that they call, kernel modules,
 * busybox as init and for everything else. Read-only: what changes is on the storage or in memory.
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execute } from '../images/execute.ts';
import { librariesOf } from '../images/libraries.ts';
import { rootedPath } from '../images/rooted-path.ts';
import { copyModules, type Kernel } from './modules.ts';

export const PACKAGES = [
  'lxc',
  'busybox-static',
  'e2fsprogs',
  'iproute2',
  'nftables',
  'cryptsetup-bin',
  'dmsetup',
  'bzip2',
  'mount',
  'util-linux',
  'libstdc++6',
  'libatomic1',
];

/** With every library that they load. What busybox has under the same name is not installed. */
const PROGRAMS = [
  '/usr/bin/lxc-start',
  '/usr/bin/lxc-attach',
  '/usr/sbin/ip',
  '/usr/sbin/nft',
  '/usr/sbin/cryptsetup',
  '/usr/sbin/veritysetup',
  '/usr/sbin/dmsetup',
  '/usr/bin/bzip2',
  '/usr/bin/mount',
  '/usr/bin/umount',
  '/usr/sbin/losetup',
  '/usr/sbin/blkid',
  '/usr/sbin/mke2fs',
  '/usr/sbin/e2fsck',
  '/usr/sbin/resize2fs',
];
const NAMES: Readonly<Record<string, string>> = {
  '/usr/sbin/mkfs.ext4': '/usr/sbin/mke2fs',
  '/usr/sbin/mkfs.ext3': '/usr/sbin/mke2fs',
  '/usr/sbin/fsck.ext4': '/usr/sbin/e2fsck',
};
const TREES = ['/usr/share/lxc/config', '/etc/mke2fs.conf'];

/** Loaded at the start, since most of them are asked for by calls that load nothing by themselves. */
export const LOADED_MODULES = ['loop', 'overlay', 'squashfs', 'veth', 'bridge', 'virtio_net', 'af_packet'];
/** There for drivers, disks and networks of a state. */
export const OTHER_MODULES = [
  'zram',
  'dm_crypt',
  'dm_verity',
  'nf_tables',
  'nft_chain_nat',
  'nft_masq',
  'nft_nat',
  'macvlan',
  'softdog',
  'dummy',
  'tun',
  'cbc',
  'essiv',
  'xts',
  'sha256_generic',
  'virtio_rng',
];

const DIRECTORIES = [
  'dev',
  'etc',
  'mnt',
  'proc',
  'root',
  'run',
  'storage',
  'sys',
  'tmp',
  'usr/bin',
  'usr/sbin',
  'usr/lib',
  'usr/lib64',
  'var/lib/lxc',
  'volumes',
  'exports',
  'usr/lib/x86_64-linux-gnu/lxc/rootfs',
];

export interface RootOptions {
  /** Unpacked packages. */
  readonly packages: string;
  readonly project: string;
  readonly kernel: Kernel;
  readonly node: string;
}

export const layOutRoot = async (target: string, { packages, project, kernel, node }: RootOptions): Promise<void> => {
  for (const directory of DIRECTORIES) mkdirSync(join(target, directory), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(target, name));
  symlinkSync('run', join(target, 'var/run'));
  for (const program of PROGRAMS) await copyProgram(packages, program, target);
  for (const tree of TREES) copyTree(packages, tree, target);
  for (const [name, program] of Object.entries(NAMES)) symlinkSync(program, join(target, name));
  copyModules(kernel, [...LOADED_MODULES, ...OTHER_MODULES], join(target, 'usr'));
  await installBusybox(packages, target);
  await installDaemon(target, { packages, project, node });
  cpSync(join(import.meta.dirname, 'root'), target, { recursive: true });
  mkdirSync(join(target, 'etc/pantavisor'), { recursive: true });
  writeFileSync(join(target, 'etc/pantavisor/modules'), `${LOADED_MODULES.join('\n')}\n`);
  symlinkSync('/run/resolv.conf', join(target, 'etc/resolv.conf'));
  normalizeModes(target);
};

const copyFile = (from: string, path: string, to: string): void => {
  mkdirSync(dirname(join(to, path)), { recursive: true });
  copyFileSync(rootedPath(from, path), join(to, path));
};

const copyProgram = async (packages: string, program: string, target: string): Promise<void> => {
  for (const file of [program, ...(await librariesOf(program, packages))])
    if (!existsSync(join(target, file))) copyFile(packages, file, target);
};

const copyTree = (packages: string, tree: string, target: string): void => {
  mkdirSync(dirname(join(target, tree)), { recursive: true });
  cpSync(join(packages, tree), join(target, tree), { recursive: true, verbatimSymlinks: true });
};

/** In one directory of the search path, and where the kernel and init look; programs of packages go before. */
const installBusybox = async (packages: string, target: string): Promise<void> => {
  copyFile(packages, '/bin/busybox', join(target, 'usr'));
  const applets = (await execute(rootedPath(packages, '/bin/busybox'), ['--list'])).trim().split('\n');
  for (const applet of applets) {
    if (
      ['usr/bin', 'usr/sbin'].some((directory) => lstatSync(join(target, directory, applet), { throwIfNoEntry: false }))
    )
      continue;
    const directory = ['init', 'reboot', 'poweroff', 'halt'].includes(applet) ? 'usr/sbin' : 'usr/bin';
    symlinkSync('/usr/bin/busybox', join(target, directory, applet));
  }
};

/** As `npm ci` and the build leave it, without what only the build needs. */
const installDaemon = async (
  target: string,
  { packages, project, node }: Pick<RootOptions, 'packages' | 'project' | 'node'>,
): Promise<void> => {
  const home = join(target, 'usr/lib/pantavisor');
  const isCache = (path: string): boolean => path.includes('/.cache');
  cpSync(join(project, 'dist'), join(home, 'dist'), {
    recursive: true,
    filter: (path) => !isCache(path) && !path.endsWith('/node'),
  });
  copyFileSync(node, join(home, 'dist/node'));
  for (const name of ['ffi-rs', '@yuuang'])
    cpSync(join(project, 'node_modules', name), join(home, 'node_modules', name), { recursive: true });
  const native = readdirSync(join(home, 'node_modules'), { recursive: true, encoding: 'utf8' });
  const binaries = [
    join(home, 'dist/node'),
    ...native.filter((path) => path.endsWith('.node')).map((path) => join(home, 'node_modules', path)),
  ];
  for (const binary of binaries)
    for (const library of await librariesFor(binary, packages))
      if (!existsSync(join(target, library))) copyFile(packages, library, target);
  for (const program of ['pantavisor', 'pvcontrol', 'pvtx'])
    symlinkSync(`/usr/lib/pantavisor/dist/${program}`, join(target, 'usr/bin', program));
};

/** Of what comes from npm and not out of a package: asked for as if it lay in the packages. */
const librariesFor = async (binary: string, packages: string): Promise<readonly string[]> => {
  const place = '/usr/bin/binary-of-the-image';
  copyFileSync(binary, join(packages, place));
  return librariesOf(place, packages);
};

/** A clone's modes depend on the umask of whoever cloned; the image must not. */
const normalizeModes = (root: string): void => {
  for (const path of ['.', ...readdirSync(root, { recursive: true, encoding: 'utf8' })]) {
    const stat = lstatSync(join(root, path));
    if (stat.isSymbolicLink()) continue;
    chmodSync(join(root, path), stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
};
