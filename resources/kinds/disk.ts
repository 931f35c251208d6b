/** A disk: a place for volumes, or swap. */
import type { Ref } from '../ref.ts';

export type DiskSource =
  /** volume-disk without provision: a directory of the storage, bound to the mount point. */
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 'block'; readonly path: string }
  /** A file of `sizeBytes`, created when missing. */
  | { readonly type: 'file'; readonly path: string; readonly sizeBytes: number }
  /** `settings` are written to /sys/block/zramN/<key>, in order. */
  | { readonly type: 'zram'; readonly settings: readonly (readonly [key: string, value: string])[] };

export interface DiskSpec {
  readonly name: string;
  readonly order: number;
  readonly source: DiskSource;
  readonly use:
    | {
        readonly type: 'mount';
        readonly target: string;
        /** undefined for directories. */
        readonly filesystem?: 'ext3' | 'ext4';
        readonly formatOptions: readonly string[];
        /** `MS_*` names. */
        readonly mountFlags: readonly string[];
      }
    | {
        readonly type: 'swap';
        readonly formatOptions: readonly string[];
        /** As for swapon(8), e.g. `-p 5`. */
        readonly swapOptions: readonly string[];
      };
  /** Why it cannot be brought up here at all, e.g. `dm-crypt-caam: not supported yet`; stalled, not ignored. */
  readonly unsupported?: string;
}

export interface DiskStatus {
  readonly source: DiskSource;
  /** Where the mount point or swap is to be; of the spec it was set up from. */
  readonly use: DiskSpec['use'];
  /** The directory, file or device node; undefined: not there (yet). */
  readonly path?: string;
  /** What the device holds, as blkid names it (`ext4`, `swap`, `crypto_LUKS`, …); `blank`: no signature at all. */
  readonly contents?: string;
  /** Mounted at the target, or used as swap. */
  readonly active: boolean;
  /** The mount point shows something else. */
  readonly foreign: boolean;
}

/** What can be done to it. "Ensure" semantics: doing it twice is harmless. */
export type DiskAction =
  | { readonly type: 'disk.provision'; readonly ref: Ref<'disk'>; readonly spec: DiskSpec }
  /** Refuses any device that holds a file system, whatever the plan said. */
  | { readonly type: 'disk.format'; readonly ref: Ref<'disk'>; readonly spec: DiskSpec; readonly path: string }
  | { readonly type: 'disk.activate'; readonly ref: Ref<'disk'>; readonly spec: DiskSpec; readonly path: string }
  | { readonly type: 'disk.deactivate'; readonly ref: Ref<'disk'>; readonly status: DiskStatus }
  | { readonly type: 'disk.release'; readonly ref: Ref<'disk'>; readonly status: DiskStatus };
