/** Names that become files, mount points, cgroups or LXC containers. */
import { isRelativePath } from './state-key.ts';

/** Owners and directories that are Pantavisor's own, so that no container can pose as one. */
const RESERVED = new Set(['bsp', 'current', 'locals', 'pantavisor', '_config', '_pv_', '_sigs']);

const CONTAINER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
/** LXC makes it the host name of the container and refuses a longer one. Nothing is put in front of it: each daemon has its own lxcpath. */
const MAX_CONTAINER_NAME = 63;

/** What is expected of a container name that is not acceptable; undefined: it is. */
export const containerNameFault = (name: string): string | undefined => {
  if (RESERVED.has(name)) return "a container name that is not one of Pantavisor's own";
  if (name.length > MAX_CONTAINER_NAME) return `a container name of at most ${MAX_CONTAINER_NAME} characters`;
  if (!CONTAINER_NAME.test(name)) {
    return 'a container name of letters, digits, "_", "-" and ".", not beginning with "-" or "." (it names a file, a cgroup and an LXC container)';
  }
  return undefined;
};

const MAX_VOLUME_NAME = 255;

/** Volumes are directories below their owner's; LXC files name them in overlay options. */
export const volumeNameFault = (name: string): string | undefined =>
  isRelativePath(name) && name.length <= MAX_VOLUME_NAME ? undefined : 'a relative path that stays below its owner';

/** A single path segment, as disks and groups are named. */
export const isSegment = (name: string): boolean =>
  isRelativePath(name) && !name.includes('/') && name.length <= MAX_VOLUME_NAME;
