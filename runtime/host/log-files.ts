/**
 * The port to a tree of log files. It is narrower than `Files`, and different where logs are: appending is no promise
 * over a power cut until `sync`, and what is found in the tree is not trusted. Names in it come from containers, and a
 * privileged one may reach the tree itself: whatever stands in the way of a log file and is no plain file of its own
 * (a symlink, a FIFO, a second name of some file) is removed, and nothing is ever followed.
 *
 * Paths are relative to the tree's root: `<revision>/<platform>/<source>`. Whatever the device refuses throws a
 * DeviceError.
 */

export interface LogFile {
  /** `<device>:<inode>`. */
  readonly identity: string;
  /** As it was opened. */
  readonly sizeBytes: number;
  /** Adds to its end: all of it, or nothing. @returns its size then. */
  append(parts: readonly Uint8Array[]): Promise<number>;
  /** False: somebody took its name away, and what is written to it is seen by nobody. */
  isNamed(): Promise<boolean>;
  truncate(sizeBytes: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface LogFileStat {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface LogFiles {
  /** For appending. Made if it is not there (0644), with its directories (0755). @throws DeviceError ENOTDIR, EISDIR: another log has that name. */
  open(path: string): Promise<LogFile>;
  /** As it is; undefined: not there, or no plain file. */
  identity(path: string): Promise<{ readonly identity: string; readonly sizeBytes: number } | undefined>;
  /** Every plain file of the tree, in no order. */
  list(): Promise<readonly LogFileStat[]>;
  /** Within one directory. */
  rename(from: string, to: string): Promise<void>;
  /** Makes `to` the gzip of `from`, whole and on the disk, and only then removes `from`. @returns the size of `to`. */
  compress(from: string, to: string): Promise<number>;
  /** Missing is success. */
  remove(path: string): Promise<void>;
  room(): Promise<{ readonly totalBytes: number; readonly freeBytes: number; readonly inMemory: boolean }>;
}
