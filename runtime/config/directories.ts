/**
 * Directories of this daemon, derived from the configuration.
 *
 * In appengine mode several daemons run side by side on one machine. Two settings are enough to keep them apart,
 * storage and run directory: whatever is not set by hand lies under one of them.
 */
import type { Paths } from '../../resources/paths.ts';
import { ConfigError } from './config-error.ts';
import type { Level } from './config-level.ts';
import type { ConfigKey, ConfigValues } from './keys.ts';

const STORAGE = '/var/lib/pantavisor';
const RUN = '/run/pantavisor/pv';

/**
 * LXC names a container's command socket `\0<lxcpath>/<name>/command`, at most 108 bytes (unix(7)), and hashes
 * longer ones away from where we look; a run directory of 64 leaves 30 for the container's name.
 */
const MAX_RUN_BYTES = 64;
/** PATH_MAX is 4096; what we append to a directory stays well below the rest. */
const MAX_DIRECTORY_BYTES = 1024;

/** `<setting> is "<path>", expected …; set it to …`. @throws ConfigError */
const checked = (name: string, path: string, maxBytes: number): string => {
  const got = `${name} is ${JSON.stringify(path)}`;
  if (!path.startsWith('/')) throw new ConfigError(`${got}, expected an absolute path, such as ${STORAGE}`);
  if (path.includes('\0')) throw new ConfigError(`${got}, expected a path without NUL characters`);
  if (path.split('/').some((part) => part === '..' || part === '.'))
    throw new ConfigError(`${got}, expected a path without "." and ".." in it`);
  const bytes = Buffer.byteLength(path);
  if (bytes > maxBytes)
    throw new ConfigError(
      `${got}, ${bytes} bytes long, expected at most ${maxBytes}: names of unix sockets are made of it; ` +
        'choose a shorter directory, such as /run/pv1',
    );
  return path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
};

type Place = (name: ConfigKey, derived: string, maxBytes?: number) => string;

/** @param usr `PV_SYSTEM_USRDIR`, if somebody set it. */
export const lxcPathIn = (run: string, usr: string | undefined): string =>
  usr === undefined ? `${run}/lxc` : `${usr}/var/lib/lxc`;

/** A key nobody set is derived, a key somebody set is taken as it is. @throws ConfigError */
const placeIn =
  (values: ConfigValues, modified: Readonly<Record<ConfigKey, Level>>): Place =>
  (name, derived, maxBytes = MAX_DIRECTORY_BYTES) => {
    const value = values[name];
    return modified[name] === 'default' || value === '' || value === undefined
      ? derived
      : checked(name, String(value), maxBytes);
  };

/**
 * @param modified who set each key: a key nobody set is derived, a key somebody set is taken as it is.
 * @throws ConfigError for a path that is not absolute, climbs, or is too long for the sockets in it.
 */
export const placesOf = (values: ConfigValues, modified: Readonly<Record<ConfigKey, Level>>): Paths => {
  const place = placeIn(values, modified);
  const storage = place('PV_STORAGE_MNTPOINT', STORAGE);
  const run = place('PV_SYSTEM_RUNDIR', RUN, MAX_RUN_BYTES);
  const isUsrSet = modified.PV_SYSTEM_USRDIR !== 'default';
  return {
    storage,
    run,
    logs: place('PV_LOG_DIR', `${storage}/logs`),
    volumes: place('PV_DISK_VOLDIR', `${run}/volumes`),
    config: place('PV_SYSTEM_CONFDIR', `${run}/configs`),
    media: place('PV_SYSTEM_MEDIADIR', `${run}/media`),
    watch: place('PV_WATCH_DIR', `${storage}/incoming`),
    lxc: lxcPathIn(run, isUsrSet ? place('PV_SYSTEM_USRDIR', '/usr', MAX_RUN_BYTES) : undefined),
  };
};

/** Directories of metadata that outlive a reboot. */
export interface Caches {
  readonly user: string;
  readonly device: string;
}

/** @throws ConfigError as placesOf. */
export const cachesOf = (values: ConfigValues, modified: Readonly<Record<ConfigKey, Level>>): Caches => {
  const place = placeIn(values, modified);
  const cache = `${placesOf(values, modified).storage}/cache`;
  return {
    user: place('PV_CACHE_USRMETADIR', `${cache}/meta`),
    device: place('PV_CACHE_DEVMETADIR', `${cache}/devmeta`),
  };
};

/** What keys say in effect although nobody set them. */
export const derivedPlaces = (
  { storage, run, logs, volumes, config, media, watch }: Paths,
  { user, device }: Caches,
): Readonly<Partial<Record<ConfigKey, string>>> => ({
  PV_CACHE_DEVMETADIR: device,
  PV_CACHE_USRMETADIR: user,
  PV_DISK_VOLDIR: volumes,
  PV_LOG_DIR: logs,
  PV_STORAGE_MNTPOINT: storage,
  PV_SYSTEM_CONFDIR: config,
  PV_SYSTEM_MEDIADIR: media,
  PV_SYSTEM_RUNDIR: run,
  PV_WATCH_DIR: watch,
});
