/**
 * The update: which revision the device runs, which one is on trial, and which one somebody proposes.
 * There is one resource of this kind, `update/device`.
 */
import type { Ref } from './ref.ts';

export const UPDATE: Ref<'update'> = 'update/device';

/** The newest proposal; undefined spec: nobody proposed anything since the start. */
export interface UpdateSpec {
  readonly revision: string;
  /** sha256 of the canonical state. The same content under the same name is no new proposal. */
  readonly hash: string;
}

export interface Trial {
  readonly revision: string;
  readonly hash: string;
  /** The committed revision it falls back to. */
  readonly fallback: string;
  readonly startedAtMs: number;
  /** Set when all goals were reached: when it may be committed (`PV_UPDATER_COMMIT_DELAY` after). */
  readonly commitAtMs?: number;
  /** The trial was begun by a daemon that is gone: it is not continued. */
  readonly interrupted: boolean;
}

/** Why a revision was given up. `status` and `message` are the words of updates.md §3; `detail` says what exactly. */
export interface Failure {
  readonly revision: string;
  readonly hash: string;
  readonly status: 'ERROR' | 'WONTGO' | 'CANCELLED';
  readonly message: string;
  readonly detail: string;
}

export interface UpdateStatus {
  /** `pv_rev`. */
  readonly committed: { readonly revision: string; readonly hash: string };
  /** `pv_try`, while it is tried. */
  readonly trial?: Trial;
  /** Revisions that failed, by name. */
  readonly failures: Readonly<Record<string, Failure>>;
  /** Why the document of the revision that should run cannot be used; nothing is touched on its behalf. */
  readonly unreadable?: string;
  /** What of the committed revision's objects is missing or corrupt; what runs goes on running. */
  readonly unsound?: string;
}
