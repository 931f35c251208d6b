/** Mount flags by name (mount(2), linux/mount.h), and as mountinfo shows them. */
import { DeviceError } from '../../host.ts';

export const MS = {
  MS_RDONLY: 0x1,
  MS_NOSUID: 0x2,
  MS_NODEV: 0x4,
  MS_NOEXEC: 0x8,
  MS_SYNCHRONOUS: 0x10,
  MS_REMOUNT: 0x20,
  MS_MANDLOCK: 0x40,
  MS_DIRSYNC: 0x80,
  MS_NOSYMFOLLOW: 0x100,
  MS_NOATIME: 0x400,
  MS_NODIRATIME: 0x800,
  MS_BIND: 0x1000,
  MS_MOVE: 0x2000,
  MS_REC: 0x4000,
  MS_SILENT: 0x8000,
  MS_PRIVATE: 0x40000,
  MS_SLAVE: 0x80000,
  MS_RELATIME: 0x200000,
  MS_STRICTATIME: 0x1000000,
  MS_LAZYTIME: 0x2000000,
} as const;

const BY_OPTION: Readonly<Record<string, number>> = {
  ro: MS.MS_RDONLY,
  nosuid: MS.MS_NOSUID,
  nodev: MS.MS_NODEV,
  noexec: MS.MS_NOEXEC,
  noatime: MS.MS_NOATIME,
  nodiratime: MS.MS_NODIRATIME,
  relatime: MS.MS_RELATIME,
  nosymfollow: MS.MS_NOSYMFOLLOW,
};

/** The flags a mount has now. A remount must repeat them, because it takes off every flag that it does not name. */
export const flagsOfOptions = (options: readonly string[]): number =>
  options.reduce((flags, option) => flags | (BY_OPTION[option] ?? 0), 0);

/** What a document may ask for: the rest changes what kind of operation mount(2) is. */
const ALLOWED: Readonly<Record<string, number>> = {
  MS_RDONLY: MS.MS_RDONLY,
  MS_NOSUID: MS.MS_NOSUID,
  MS_NODEV: MS.MS_NODEV,
  MS_NOEXEC: MS.MS_NOEXEC,
  MS_SYNCHRONOUS: MS.MS_SYNCHRONOUS,
  MS_MANDLOCK: MS.MS_MANDLOCK,
  MS_DIRSYNC: MS.MS_DIRSYNC,
  MS_NOSYMFOLLOW: MS.MS_NOSYMFOLLOW,
  MS_NOATIME: MS.MS_NOATIME,
  MS_NODIRATIME: MS.MS_NODIRATIME,
  MS_SILENT: MS.MS_SILENT,
  MS_RELATIME: MS.MS_RELATIME,
  MS_STRICTATIME: MS.MS_STRICTATIME,
  MS_LAZYTIME: MS.MS_LAZYTIME,
};

/** @throws DeviceError EINVAL: a name that is unknown or not for a first mount. */
export const flagsOfNames = (device: string, names: readonly string[]): number =>
  names.reduce((flags, name) => {
    const flag = Object.hasOwn(ALLOWED, name) ? ALLOWED[name] : undefined;
    if (flag !== undefined) return flags | flag;
    throw new DeviceError(
      'mount',
      device,
      'EINVAL',
      `mount flag ${name}: expected one of ${Object.keys(ALLOWED).join(', ')}`,
    );
  }, 0);
