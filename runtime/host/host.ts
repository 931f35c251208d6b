/**
 * The host port: everything the daemon can see of and do to a device.
 *
 * Two implementations pass the same contract suite (test/runtime/host/contract.ts): `linux/`, the only place
 * that imports ffi-rs, node:fs and node:child_process, and `simulated/`, a recording device with seeded faults.
 * Absence is a value (`undefined`, an empty list); whatever else the device refuses throws a DeviceError.
 * Every operation is idempotent: asking for what already is, is success.
 */
import type { Observable } from 'rxjs';
import type { Exit } from '../../resources/kinds/container.ts';

/** The device said no. `code` is an errno name (`EBUSY`) or a short word of ours (`TIMEOUT`, `LXC_START`). */
export class DeviceError extends Error {
  readonly operation: string;
  readonly subject: string;
  readonly code: string;

  constructor(operation: string, subject: string, code: string, detail = '', options?: ErrorOptions) {
    super(`${operation} ${subject}: ${detail === '' ? code : `${detail} (${code})`}`, options);
    this.name = 'DeviceError';
    this.operation = operation;
    this.subject = subject;
    this.code = code;
  }
}

export interface Clock {
  /** Milliseconds of the monotonic clock since boot (CLOCK_MONOTONIC). Comparable across restarts of the daemon, not across boots. */
  nowMs(): number;
  /** Wall clock, only ever to be shown. */
  wallTime(): Date;
  /** Calls back once at or after `atMs` (monotonic). Returns how to cancel. */
  schedule(atMs: number, callback: () => void): () => void;
  /** Calls back once, after everybody else who can go on at once. Returns how to cancel. */
  soon(callback: () => void): () => void;
}

export interface FileStat {
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly sizeBytes: number;
  readonly mode: number;
  readonly device: number;
  readonly inode: number;
  readonly links: number;
  readonly modifiedMs: number;
  /** When the inode changed last: content, mode or number of links. Nobody can set it. */
  readonly changedMs: number;
  /** Uid. */
  readonly owner: number;
}

/** Content and facts of one and the same file, whatever its name is given to meanwhile. */
export interface Inspected {
  readonly content: Buffer;
  readonly stat: FileStat;
}

export interface Written {
  /** Hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface Files {
  /** Does not follow a final symlink. */
  stat(path: string): Promise<FileStat | undefined>;
  /** @throws DeviceError EFBIG when the file is larger than `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Buffer | undefined>;
  /** As `read`, for secrets: who owns what was read, and who may read it. Symlinks are followed. */
  inspect(path: string, maxBytes: number): Promise<Inspected | undefined>;
  /** A stream of the file's content, for hashing and export. @throws DeviceError ENOENT. */
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Names in a directory, sorted; undefined: no such directory. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** As `list`, for directories of any size: a part at a time, in no order. Nothing: no such directory. */
  listing(path: string): AsyncIterable<readonly string[]>;
  /** With parents. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** tmp + fsync + rename + fsync of the directory: after a power cut the old or the new content, whole. Parents must exist. */
  write(path: string, content: string | Uint8Array, mode: number): Promise<void>;
  /** As `write`, for content of any size; limited to `maxBytes`. Returns sha256 (hex) and size of what was written. `accept` is asked before the file gets its name. @throws DeviceError EFBIG, and what `accept` throws, leaving nothing. */
  writeStream(
    path: string,
    content: AsyncIterable<Uint8Array>,
    options: { mode: number; maxBytes: number; accept?: (written: Written) => void },
  ): Promise<Written>;
  /**
   * Adds to the end of a file, durable; creates it with `mode` when missing. Parents must exist. Refused, the file is as
   * it was; after a power cut a beginning of what was added may be there.
   */
  append(path: string, content: string | Uint8Array, mode: number): Promise<void>;
  /** rename(2) within one file system, durable. Replaces an existing file. */
  rename(from: string, to: string): Promise<void>;
  /** Hard link, durable; replaces what is at `path` unless it is the same inode. Copies on EXDEV and EMLINK. Parents must exist. */
  link(existing: string, path: string): Promise<void>;
  /** Atomically makes `path` a symlink to `target`. */
  symlink(target: string, path: string): Promise<void>;
  /** Copies a directory's content, symlinks followed as `cp -aL` does; `to` is emptied first. */
  copyTree(from: string, to: string): Promise<void>;
  /** File, symlink or whole tree; never crosses into a mounted file system (EBUSY). Missing is success. */
  remove(path: string): Promise<void>;
  /** Free and total bytes for root of the file system that holds `path`. */
  space(path: string): Promise<{ totalBytes: number; freeBytes: number }>;
  /** Emits whenever something directly inside `directory` is created, changed, renamed or removed. */
  watch(directory: string): Observable<void>;
}

export interface Mount {
  readonly target: string;
  /** image: a loop device. bind: another part of a file system mounted elsewhere. foreign: anything else. */
  readonly type: 'image' | 'bind' | 'tmpfs' | 'foreign';
  /** image: the backing file. bind: every path by which the same tree can be named now, the target excluded. Any: the device node, if it has one. */
  readonly sources: readonly string[];
  /** `<major>:<minor>:<root>`, for binds with `#<inode>`: which tree it is. A directory made anew under the old name is another tree. */
  readonly identity: string;
  /** The bound tree or the backing file was deleted. */
  readonly deleted: boolean;
  readonly readOnly: boolean;
}

export interface Mounts {
  /** The topmost mount exactly at `target`. */
  at(target: string): Promise<Mount | undefined>;
  /** Mount points strictly below `directory`, in mount order. */
  below(directory: string): Promise<readonly string[]>;
  /** Loop-mounts a file-system image on an existing directory; the loop device frees itself with the mount. `ext4` tries data=journal, data=ordered, then defaults when writable. */
  mountImage(mount: { image: string; target: string; filesystem: string; readOnly: boolean }): Promise<void>;
  /** Binds a file or directory onto an existing one of the same type. */
  bind(mount: { source: string; target: string; recursive: boolean; readOnly: boolean }): Promise<void>;
  mountTmpfs(mount: { target: string }): Promise<void>;
  mountDevice(mount: { device: string; target: string; filesystem: string; flags: readonly string[] }): Promise<void>;
  /** Takes off the topmost mount and what is mounted below it. @throws DeviceError EBUSY. */
  unmount(target: string): Promise<void>;
  /** Targets whose mounts changed since the last emission, whoever did it. */
  readonly changes: Observable<readonly string[]>;
}

export interface Disks {
  /** What a device or file holds, as blkid names it; `blank`: readable and without any signature; undefined: not there. */
  contents(path: string): Promise<string | undefined>;
  /** Creates a file of zeros with allocated blocks, mode 0600; an existing one is left as it is. */
  allocate(path: string, sizeBytes: number): Promise<void>;
  /** mkfs / mkswap. @throws DeviceError EEXIST when the device holds any signature (TOCTOU-safe: probed with the device held exclusively). */
  format(path: string, type: 'ext3' | 'ext4' | 'swap', options: readonly string[]): Promise<void>;
  /** Sets up a free zram device and returns its node. */
  zramCreate(settings: readonly (readonly [key: string, value: string])[]): Promise<string>;
  /** Resets and frees it. */
  zramRemove(device: string): Promise<void>;
  /** undefined: this kernel has no zram. */
  readonly zramSupported: boolean;
  readonly swapSupported: boolean;
  /** Paths that are used as swap now. */
  swaps(): Promise<readonly string[]>;
  swapOn(path: string, options: readonly string[]): Promise<void>;
  swapOff(path: string): Promise<void>;
  /** Emits when the set of active swaps changed. */
  readonly swapChanges: Observable<void>;
}

export interface ContainerState {
  readonly state: 'STARTING' | 'RUNNING' | 'STOPPING' | 'FROZEN';
  readonly initPid: number | undefined;
}

/** Everything LXC: one `lxc-start` monitor per container, looked at through its command socket. Names are container names. */
export interface Containers {
  /** Writes `<lxcpath>/<name>/config` and makes its directory. */
  configure(name: string, config: string): Promise<void>;
  /** Starts what was configured; resolves with init's pid once init runs. @throws DeviceError LXC_START with the reason LXC logged. */
  start(name: string): Promise<number>;
  /** undefined: no monitor lives. */
  inspect(name: string): Promise<ContainerState | undefined>;
  /** Sends the halt signal to init and returns. Not running is success. */
  halt(name: string): Promise<void>;
  /** Kills init and with it the container; not running is success. */
  kill(name: string): Promise<void>;
  unfreeze(name: string): Promise<void>;
  /** Removes what a stopped container leaves: LXC directory, empty cgroups. */
  remove(name: string): Promise<void>;
  /** Names that have an LXC directory or a living monitor under our lxcpath. */
  list(): Promise<readonly string[]>;
  /** How a container ended, exactly once per end if anybody saw it; also the ends that happened while no daemon ran. */
  readonly exits: Observable<{ readonly name: string; readonly exit: Exit }>;
  /** Names whose state may have changed (started, frozen, ended, monitor gone). */
  readonly changes: Observable<string>;
}

export interface Host {
  readonly clock: Clock;
  readonly files: Files;
  readonly mounts: Mounts;
  readonly disks: Disks;
  readonly containers: Containers;
  /** Changes with every boot (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  /**
   * Boots the device: nothing but the storage is left. Everything that was set up must have been taken down before.
   * Resolves only when the reboot was refused.
   */
  reboot(): Promise<void>;
  /** Lets go of watchers, sockets and timers; leaves the device as it is. */
  close(): Promise<void>;
}
