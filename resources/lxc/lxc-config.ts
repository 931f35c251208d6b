/**
 * LXC configuration as text: what the daemon changes in a container's own file before LXC reads it
 *, and what it needs to know from one.
 *
 * In: the file as the revision carries it, and where things are on this device. Out: the text for
 * `<lxcpath>/<name>/config`. Whatever the daemon does not own stays as written, line for line: existing containers
 * must run unchanged, so no privilege is taken away and none is added. What the daemon owns (log, console, cgroup
 * directories, mount point of the root) is taken out of the file and set at the end, where it also wins over includes.
 * Must never read a file: an include is made absolute, not expanded.
 */
import type { ContainerSpec } from '../kinds/container.ts';
import type { Paths } from '../paths.ts';
import { nameOf } from '../ref.ts';
import { alterInclude, escapingInclude } from './lxc-include.ts';
import { isKnownKey, leftOutNotices, unknownProtection } from './lxc-keys.ts';
import { isOverlay, type Line, parse, setting } from './lxc-line.ts';
import { alterMount, mountDirectories, mountEntry, relocate } from './lxc-mount.ts';
import {
  captureDirectory,
  cgroupRootOf,
  logDirectory,
  monitorCgroup,
  payloadCgroup,
  restrictedDirectory,
  rootfsMountOf,
  type Started,
} from './lxc-place.ts';

/** legacy: v1 only. hybrid: v1 controllers and a v2 hierarchy beside them. unified: v2 only. */
export type CgroupLayout = 'legacy' | 'hybrid' | 'unified';

export interface LxcContext {
  readonly container: Pick<
    ContainerSpec,
    'name' | 'group' | 'revision' | 'roles' | 'directory' | 'bindModulesAndFirmware'
  >;
  readonly paths: Paths;
  /** Directory that becomes the topmost lower layer of the root; undefined: the revision has no `_config` for it. */
  readonly configOverlay?: string;
  /** /dev/log leads to the log server: decided from run.json and `PV_LOG_AUTO_DEVLOG`. */
  readonly devLog: boolean;
  /** `PV_LXC_LOG_LEVEL`: 0 trace … 8 fatal. */
  readonly logLevel: number;
  /** `PV_LOG_CAPTURE`: the console is kept. */
  readonly capture: boolean;
  /** Size of console.log at which it becomes console.log.1, of which there is one; at least a page. */
  readonly consoleBytes: number;
  readonly host: {
    readonly cgroups: CgroupLayout;
    /** /lib/firmware exists. */
    readonly firmware: boolean;
    /** `uname -r` when /lib/modules has a directory of that name. */
    readonly modules?: string;
  };
}

export interface AlteredConfig {
  readonly text: string;
  /** Absolute directories (0755) that must exist before the start. */
  readonly directories: readonly string[];
  /** Settings that have no effect on this machine; the container starts all the same. */
  readonly notices: readonly string[];
  /** Why it must not be started at all. */
  readonly refusal?: string;
}

/** Far above any real file (pvr writes about 40 lines); LXC maps the whole file. */
export const MAX_LXC_CONFIG_BYTES = 256 * 1024;

/** Keys that are the daemon's. `ephemeral` would have LXC delete the container's files when it stops. */
const OWNED =
  /^lxc\.(rootfs\.mount|log\.\w+|console\.[\w.]+|cgroup\.relative|cgroup\.dir(\.[\w.]+)?|start\.\w+|ephemeral)$/;

const roleMounts = ({ container, paths }: LxcContext): readonly Line[] => {
  const directory = (source: string, target: string) => mountEntry(source, target, 'bind,ro,create=dir');
  if (container.roles.includes('mgmt')) {
    return [
      directory(paths.run, 'pantavisor'),
      directory(paths.logs, 'pantavisor/logs'),
      directory(`${paths.run}/user-meta`, 'pantavisor/user-meta'),
      directory(`${paths.run}/device-meta`, 'pantavisor/device-meta'),
    ];
  }
  return [
    directory(restrictedDirectory(paths), 'pantavisor'),
    directory(logDirectory(paths, container.revision, container.name), 'pantavisor/logs'),
    directory(`${paths.run}/user-meta.${container.name}`, 'pantavisor/user-meta'),
    directory(`${paths.run}/device-meta.${container.name}`, 'pantavisor/device-meta'),
  ];
};

const roleDirectories = ({ container, paths }: LxcContext): readonly string[] => {
  const [shown, suffix] = container.roles.includes('mgmt')
    ? [paths.run, '']
    : [restrictedDirectory(paths), `.${container.name}`];
  const mountPoints = ['logs', 'user-meta', 'device-meta'].map((name) => `${shown}/${name}`);
  return [...mountPoints, `${paths.run}/user-meta${suffix}`, `${paths.run}/device-meta${suffix}`, paths.logs];
};

const hostMounts = ({ container, host }: LxcContext): readonly Line[] => {
  const firmware = container.bindModulesAndFirmware && host.firmware;
  const modules = container.bindModulesAndFirmware && host.modules !== undefined ? `lib/modules/${host.modules}` : '';
  return [
    ...(firmware ? [mountEntry('/lib/firmware', 'lib/firmware', 'bind,ro,create=dir')] : []),
    ...(modules === '' ? [] : [mountEntry(`/${modules}`, modules, 'bind,ro,create=dir')]),
  ];
};

/**
 * A symlink, because a bound socket would stay the one of a daemon that is gone. Made by a hook that is run when /dev has
 * been filled; LXC puts words of its own behind it. A container that brings its own /dev gets the socket itself.
 */
const devLog = (lines: readonly Line[], { paths }: LxcContext): Line => {
  const ownDev = lines.findLast(({ key }) => key === 'lxc.autodev')?.value === '0';
  return ownDev
    ? mountEntry(`${paths.run}/pv-ctrl-log`, 'dev/log', 'bind,create=file,optional')
    : setting('lxc.hook.autodev', DEV_LOG_HOOK);
};
const DEV_LOG_HOOK = `sh -c 'ln -sfn /pantavisor/pv-ctrl-log "$LXC_ROOTFS_MOUNT/dev/log" || :' sh`;

const alterRoot = (value: string, { paths, configOverlay }: LxcContext): string => {
  const root = relocate(value, paths);
  if (configOverlay === undefined || !isOverlay(root)) return root;
  return root.replace(':', () => `:${configOverlay}:`);
};

const isDevicesV1 = (key: string): boolean => /^lxc\.cgroup\.devices\.(allow|deny)$/.test(key);

const alterLine = (line: Line, context: LxcContext): readonly Line[] => {
  if (OWNED.test(line.key) || !isKnownKey(line.key)) return [];
  if (line.key === 'lxc.rootfs.path') return [setting(line.key, alterRoot(line.value, context))];
  if (line.key === 'lxc.mount.entry') {
    const value = alterMount(line.value, context.paths);
    return value === line.value ? [line] : [setting(line.key, value)];
  }
  if (line.key === 'lxc.include' && line.value !== '')
    return [setting(line.key, alterInclude(line.value, context.container.directory))];
  return isDevicesV1(line.key) && context.host.cgroups === 'unified' ? [] : [line];
};

/** A ring of two files, which is all that a flood can fill. */
const consoleLines = ({ capture, consoleBytes }: LxcContext, file: string): readonly Line[] =>
  capture
    ? [
        setting('lxc.console.logfile', file),
        setting('lxc.console.size', consoleBytes),
        setting('lxc.console.rotate', 1),
      ]
    : [];

const startedAs = ({ name, revision }: LxcContext['container']): Started => ({ name, startedIn: revision });

const ownLines = (lines: readonly Line[], context: LxcContext): readonly Line[] => {
  const { container, paths, host } = context;
  const has = (pattern: RegExp) => lines.some(({ key, value }) => pattern.test(key) && value !== '');
  const capture = captureDirectory(paths, startedAs(container));
  return [
    setting('lxc.rootfs.mount', rootfsMountOf(paths.lxc)),
    setting('lxc.log.level', context.logLevel),
    setting('lxc.log.file', `${capture}/lxc.log`),
    ...consoleLines(context, `${capture}/console.log`),
    // Below the daemon's own cgroup (relative = 1) systemd would end the containers with the daemon.
    setting('lxc.cgroup.relative', 0),
    setting('lxc.cgroup.dir.container', payloadCgroup(paths.lxc, container.name)),
    setting('lxc.cgroup.dir.monitor', monitorCgroup(paths.lxc, container.name)),
    setting('lxc.cgroup.dir.monitor.pivot', `${cgroupRootOf(paths.lxc)}/pivot`),
    ...(host.cgroups === 'unified' && !has(/^lxc\.cgroup2\.devices\./)
      ? [setting('lxc.cgroup2.devices.allow', 'a')]
      : []),
    ...roleMounts(context),
    ...hostMounts(context),
    ...(context.devLog ? [devLog(lines, context)] : []),
    // Of LXC's own programs only lxc-attach honours it: init is always given container=lxc.
    setting('lxc.environment', `container=pv-${nameOf(container.group)}`),
  ];
};

const noticesOf = (lines: readonly Line[], { host, configOverlay }: LxcContext): readonly string[] => {
  const idle = lines.filter(({ key }) =>
    host.cgroups === 'unified'
      ? /^lxc\.cgroup\.(?!relative$|dir\b|devices\.)/.test(key)
      : /^lxc\.cgroup2\.(?!devices\.)/.test(key),
  );
  const foreignCgroups = lines.filter(
    ({ key, value }) =>
      (key === 'lxc.namespace.keep' && value.split(/\s+/).includes('cgroup')) ||
      (key === 'lxc.namespace.share.cgroup' && value !== ''),
  );
  const layered = lines.some(({ key, value }) => key === 'lxc.rootfs.path' && isOverlay(value));
  return [
    ...leftOutNotices(lines),
    ...idle.map(({ key, value }) => `${key} = ${value} has no effect: this machine has ${host.cgroups} cgroups`),
    ...foreignCgroups.map(
      ({ key, value }) =>
        `${key} = ${value} shows it the cgroups of others: with CAP_SYS_ADMIN it can enter one, and be taken for its container`,
    ),
    ...(configOverlay !== undefined && !layered
      ? ['_config files are not shown: expected lxc.rootfs.path = overlayfs:<lower>:<upper> in the file itself']
      : []),
  ];
};

const refusalOf = (text: string, lines: readonly Line[], { container }: LxcContext): string | undefined => {
  const sizeBytes = new TextEncoder().encode(text).length;
  if (sizeBytes > MAX_LXC_CONFIG_BYTES)
    return `LXC file of ${sizeBytes} bytes, at most ${MAX_LXC_CONFIG_BYTES} expected`;
  if (text.includes('\0')) return 'LXC file contains a NUL character, expected text';
  return unknownProtection(lines) ?? escapingInclude(lines, container.directory);
};

/**
 * What Pantavisor changes in it, and our own: console and log files, cgroup directories, and
 * `/volumes/…` rewritten where volumes are mounted elsewhere.
 */
export const alterLxcConfig = (text: string, context: LxcContext): AlteredConfig => {
  const lines = parse(text.trimEnd());
  const refusal = refusalOf(text, lines, context);
  const own = ownLines(lines, context);
  const broken = own.find(({ raw }) => /[\n\0]/.test(raw));
  const { container, paths } = context;
  const named = lines.some(({ key, value }) => key === 'lxc.uts.name' && value !== '');
  // First, because an included file may name it.
  const hostname = named ? [] : [setting('lxc.uts.name', container.name)];
  return {
    text: [...hostname, ...lines.flatMap((line) => alterLine(line, context)), ...own]
      .map(({ raw }) => `${raw}\n`)
      .join(''),
    directories: [
      ...new Set([
        captureDirectory(paths, startedAs(container)),
        logDirectory(paths, container.revision, container.name),
        ...roleDirectories(context),
        ...lines.flatMap(({ key, value }) => (key === 'lxc.mount.entry' ? mountDirectories(value, paths) : [])),
      ]),
    ],
    notices: noticesOf(lines, context),
    ...(refusal === undefined && broken === undefined
      ? {}
      : { refusal: refusal ?? `a path of this device contains a line break: ${JSON.stringify(broken?.raw)}` }),
  };
};
