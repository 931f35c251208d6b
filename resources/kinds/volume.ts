/** A volume: one mount point `<volumes>/<owner>/<name>` that its container needs. */
import type { Ref } from '../ref.ts';

export type VolumeSource =
  /** A file-system image on a loop device, read-only. `image` lies in the object store, so its name is its content. */
  | { readonly type: 'image'; readonly image: string; readonly filesystem: string }
  /** `.bind`: one file. */
  | { readonly type: 'file'; readonly path: string }
  /** `.data`: a directory of the revision, bound recursively. */
  | { readonly type: 'tree'; readonly path: string }
  /** permanent or revision storage: created (0755) when missing. */
  | { readonly type: 'directory'; readonly path: string }
  /** boot storage: empty at every start of its container. */
  | { readonly type: 'tmpfs' }
  /** boot storage on a disk: wiped, recreated and bound at every start. */
  | { readonly type: 'scratch'; readonly path: string };

export interface VolumeSpec {
  readonly owner: Ref<'container'>;
  readonly order: number;
  /** Absolute mount point. */
  readonly target: string;
  readonly source: VolumeSource;
  /** The disk that must be up first. */
  readonly disk?: Ref<'disk'>;
  /** Why it cannot be mounted here at all; such a volume is stalled, not ignored. */
  readonly unsupported?: string;
}

/** What is mounted at the target (topmost). */
export interface VolumeStatus {
  readonly target: string;
  readonly type: 'image' | 'bind' | 'tmpfs' | 'foreign';
  /** image: the backing file. bind: every path by which the bound tree can be named now. Empty for tmpfs. */
  readonly sources: readonly string[];
  /** Which tree it is: `<major>:<minor>:<root>`. Equal identities show the same files, whatever was remounted. */
  readonly identity: string;
  /** The bound directory or the backing file was deleted behind our back. */
  readonly deleted: boolean;
  /** This daemon mounted it, whatever is declared by now. Of what an earlier one mounted only its place and kind tell. */
  readonly ours?: true;
}

/** What can be done to it. "Ensure" semantics: doing it twice is harmless. */
export type VolumeAction =
  | { readonly type: 'volume.mount'; readonly ref: Ref<'volume'>; readonly spec: VolumeSpec }
  | { readonly type: 'volume.unmount'; readonly ref: Ref<'volume'>; readonly target: string };
