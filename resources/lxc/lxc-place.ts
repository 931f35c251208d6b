/** Where the daemon has LXC put things: names made from its lxcpath and its other directories. */
import type { Paths } from '../paths.ts';

/**
 * Cgroup of everything that one daemon starts, below the root of each hierarchy. Made from the lxcpath, so that
 * several daemons on one machine do not meet. FNV-1a: short and stable; nothing depends on its strength.
 */
export const cgroupRootOf = (lxcPath: string): string => {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(lxcPath)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `pantavisor-${hash.toString(16).padStart(8, '0')}`;
};

/** `…/lxc/<name>`, as in Pantavisor: callers are recognised by it. */
export const payloadCgroup = (lxcPath: string, name: string): string => `${cgroupRootOf(lxcPath)}/lxc/${name}`;
export const monitorCgroup = (lxcPath: string, name: string): string => `${cgroupRootOf(lxcPath)}/monitor/${name}`;

/** Where LXC assembles a root, each container in its own mount namespace. No container name begins with a dot. */
export const rootfsMountOf = (lxcPath: string): string => `${lxcPath}/.rootfs`;

/** Where LXC keeps the last of all consoles and of its own logs, whether a daemon reads along or not. */
export const captureRoot = (paths: Paths): string => `${paths.run}/capture`;
/** A container, and the revision it was started in: each start in another revision has files of its own. */
export interface Started {
  readonly name: string;
  readonly startedIn: string;
}
const SEPARATOR = '@'; // never in an encoded revision
export const captureName = ({ name, startedIn }: Started): string =>
  `${name}${SEPARATOR}${encodeURIComponent(startedIn)}`;
/** undefined: not a name that captureName makes. */
export const startedOf = (captureName: string): Started | undefined => {
  const at = captureName.lastIndexOf(SEPARATOR);
  const [name, revision] = [captureName.slice(0, at), captureName.slice(at + 1)];
  // A broken escape sequence cannot be decoded.
  return at < 1 || revision === '' || /%(?![0-9A-F]{2})/.test(revision)
    ? undefined
    : { name, startedIn: decodeURIComponent(revision) };
};
/** Of one container in one revision: console.log and lxc.log. */
export const captureDirectory = (paths: Paths, started: Started): string =>
  `${captureRoot(paths)}/${captureName(started)}`;
/** Where a container's logs are, as it sees them in /pantavisor/logs. */
export const logDirectory = (paths: Paths, revision: string, name: string): string =>
  `${paths.logs}/${revision}/${name}`;

/**
 * /pantavisor of a container without the role mgmt. A directory and not the sockets themselves: a bound socket would
 * stay the one of a daemon that is gone. The daemon links its sockets into it whenever it has made them.
 */
export const restrictedDirectory = (paths: Paths): string => `${paths.run}/nobody`;
