/**
 * The update: which revision the device runs, which one is on trial, and which one somebody proposes.
 * There is one resource of this kind, `update/device`.
 */
import type { Ref } from '../ref.ts';

export const UPDATE: Ref<'update'> = 'update/device';

/** The newest proposal; undefined spec: nobody proposed anything since the start. */
export interface UpdateSpec {
  readonly revision: string;
  /** sha256 of the canonical state. The same content under the same name is no new proposal. */
  readonly hash: string;
  /** Somebody asked for exactly this: that the same content failed under another name is no reason not to try it. */
  readonly insisted?: true;
  /** It is tried by a reboot, whatever it changes. */
  readonly byReboot?: true;
}

export interface Trial {
  readonly revision: string;
  readonly hash: string;
  /** The committed revision it falls back to. */
  readonly fallback: string;
  /** Why it needs a reboot; undefined: containers are stopped and started only. */
  readonly rebootFor?: string;
  readonly startedAtMs: number;
  /** When all goals were reached and testing began. */
  readonly testedAtMs?: number;
  /** Set with it: when it may be committed (`PV_UPDATER_COMMIT_DELAY` after). */
  readonly commitAtMs?: number;
  /** The trial was begun by a daemon that is gone: it is not continued. */
  readonly interrupted: boolean;
  /** Why the boot that was to try it did not. */
  readonly untried?: string;
}

/** Why a revision was given up. `status` and `message` are Pantavisor's words; `detail` says what exactly. */
export interface Failure {
  readonly revision: string;
  readonly hash: string;
  readonly status: 'ERROR' | 'WONTGO' | 'CANCELLED';
  readonly message: string;
  readonly detail: string;
}

/**
 * What holds a device up after a rollback. verifying: the committed revision must reach its goals. factory: it did not,
 * revision 0 runs in its place. safe: neither did, and only the committed revision's containers with role mgmt run.
 */
export interface Lifeline {
  readonly stage: 'verifying' | 'factory' | 'safe';
  /** Why it is needed. */
  readonly reason: string;
  /** When what is to be verified began (monotonic): no deadline ended before. */
  readonly sinceMs: number;
  /** Revision 0 has containers and is not the committed revision: there is something to fall back to. */
  readonly factoryUsable: boolean;
}

/**
 * What was broken when a trial began, with a fingerprint of what was wanted of it then: the definition of a container,
 * the spec of anything else as JSON.
 */
export type BrokenBefore = Readonly<Record<Ref, string>>;

export interface UpdateStatus {
  /** `pv_rev`. */
  readonly committed: { readonly revision: string; readonly hash: string };
  /** It is committed, but not all that follows from it could be written yet. */
  readonly unsettled?: true;
  /** It was given up, but its progress could not say so yet. */
  readonly untold?: Failure;
  /** `pv_try`, while it is tried. */
  readonly trial?: Trial;
  /** Revisions that failed, by name. */
  readonly failures: Readonly<Record<string, Failure>>;
  /** Neither a trial nor the rollback after it is judged by these. */
  readonly brokenBefore?: BrokenBefore;
  /** A reboot is due, for this reason: everything is taken down, then the device boots. */
  readonly rebooting?: string;
  /** A rollback is behind us, and what it went back to has not proven itself yet, or has failed to. */
  readonly lifeline?: Lifeline;
  /**
   * The committed revision cannot be used, for this reason, and this one runs in its place: the one committed before it,
   * else the factory revision.
   */
  readonly standIn?: { readonly revision: string; readonly reason: string };
  /** Why the document of the revision that should run cannot be used; nothing is touched on its behalf. */
  readonly unreadable?: string;
  /** What of the objects of the revision that should run is missing or corrupt. A committed one goes on running. */
  readonly unsound?: string;
}

/** What identifies a revision: another content under the same name is another revision. */
export type Identity = Pick<UpdateSpec, 'revision' | 'hash'>;

export const isSameRevision = (a: Identity, b: Identity): boolean => a.revision === b.revision && a.hash === b.hash;

/**
 * The failure because of which a content is not tried again by itself, whatever it was called when it failed. What was
 * only cancelled may be tried again; so may what somebody insists on, unless it failed under this very name.
 */
export const failedBefore = (
  { revision, hash, insisted }: Pick<UpdateSpec, 'hash' | 'insisted'> & Partial<UpdateSpec>,
  failures: readonly Failure[],
): Failure | undefined =>
  failures.find(
    (failure) =>
      failure.hash === hash && failure.status !== 'CANCELLED' && (insisted !== true || failure.revision === revision),
  );

/** What can be done to it. "Ensure" semantics: doing it twice is harmless. */
export type UpdateAction =
  /** Writes down "trying X, fallback Y" and installs X's trail. */
  | {
      readonly type: 'update.try';
      readonly ref: Ref<'update'>;
      readonly revision: UpdateSpec;
      readonly fallback: string;
      /** What the trial is not to be blamed for. */
      readonly brokenBefore: BrokenBefore;
      /** The trial that this one replaces. */
      readonly superseded?: Failure;
    }
  | { readonly type: 'update.test'; readonly ref: Ref<'update'>; readonly revision: string }
  | { readonly type: 'update.commit'; readonly ref: Ref<'update'>; readonly revision: string }
  | { readonly type: 'update.rollBack'; readonly ref: Ref<'update'>; readonly failure: Failure }
  /** Boots the device; nothing of it is left but the storage. */
  | { readonly type: 'update.reboot'; readonly ref: Ref<'update'>; readonly reason: string }
  /** After a rollback: goes down to the next stage of the lifeline, or leaves it because all is well. */
  | {
      readonly type: 'update.hold';
      readonly ref: Ref<'update'>;
      readonly stage: Lifeline['stage'] | 'none';
      readonly reason: string;
    };
