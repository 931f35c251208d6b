/**
 * The port to files that somebody else writes and the daemon follows: consoles that LXC keeps, logs inside containers.
 *
 * A root may belong to a container, which can put anything anywhere below it and change it at any moment: symlinks are
 * resolved below the root as the container would, so that none leads out, and only plain files are ever opened. Whatever
 * the device refuses throws a DeviceError.
 */
import type { Observable } from 'rxjs';

export interface FollowedFile {
  /** `<device>:<inode>:<birth>`: another one, even if it has the number of one that is gone. */
  readonly identity: string;
  stat(): Promise<{ readonly sizeBytes: number; readonly isNamed: boolean }>;
  /** Fewer than asked for: its end. */
  read(position: number, maxBytes: number): Promise<Buffer>;
  /** What was remembered with the file itself; undefined: nothing was. */
  position(): Promise<number | undefined>;
  /** In an extended attribute, so that it goes wherever the file goes. False: this file system has none, or is read-only. */
  remember(position: number): Promise<boolean>;
  /** Gives back the room of what comes before; offsets stay as they are. Does nothing where that cannot be done. */
  release(position: number): Promise<void>;
  /** Empties it, unless it has another size by now: somebody writes to it, and what was added would be lost. @returns whether it did. */
  empty(ifSizeBytes: number | undefined): Promise<boolean>;
  close(): Promise<void>;
}

export interface FollowedRoot {
  /** Absolute. */
  readonly path: string;
  /** Asked once it is open: `/proc/<pid>/root` may be that of another process by now. */
  isRight(): Promise<boolean>;
}

export interface FollowedFiles {
  /** undefined: not there, or no plain file. @param path absolute, as seen from the root. */
  open(root: FollowedRoot, path: string): Promise<FollowedFile | undefined>;
  /** Emits when it was written to, made, renamed or removed. Nothing is missed that happens after the first emission, which comes once it watches. */
  watch(root: FollowedRoot, path: string): Observable<void>;
}
