/**
 * The present: everything of a device that decides what it does next, as one value without functions.
 *
 * A rehearsal is a second device in memory that begins as this one is. In: a snapshot of the daemon, or what lies in a
 * storage. Out: plain data that may be sent to another thread. Nothing here looks at a machine or decides anything.
 */

import type { Intent } from '../../reconcilers/desired/desired.ts';
import type { Kind, Status } from '../../resources/catalog.ts';
import type { BrokenBefore, Failure, Lifeline, Trial } from '../../resources/kinds/update.ts';
import type { LxcContext } from '../../resources/lxc/lxc-config.ts';
import type { Paths } from '../../resources/paths.ts';
import type { Ref } from '../../resources/ref.ts';
import type { TrustSettings } from '../trust/trust-settings.ts';

export interface StoredRevision {
  readonly revision: string;
  /** The state document as it lies in the storage. */
  readonly document: Uint8Array;
}

export interface TrialRevision extends StoredRevision {
  /** Of the daemon that looks after it; undefined: nobody does, or it was begun by one that is gone. */
  readonly entry?: Pick<Trial, 'startedAtMs' | 'testedAtMs' | 'commitAtMs' | 'rebootFor'> & {
    /** The boot that it needs is behind it. */
    readonly booted: boolean;
  };
  /** Its one try has begun: the next boot is the committed revision. */
  readonly spent: boolean;
}

/** What the daemon is about to do with one resource, or why it does not. */
export interface Pending {
  readonly ref: Ref;
  readonly outcome: 'acting' | 'waiting' | 'stalled';
  /** acting: what is done next. */
  readonly sentence?: string;
  readonly reason: string;
  readonly waitingOn: readonly Ref[];
  /** waiting: it is looked at again then at the latest. */
  readonly inSeconds?: number;
}

/** What an operator wants of a container. */
export type RecordedIntent = Intent;

export interface RehearsalSettings {
  readonly paths: Paths;
  readonly goalsTimeoutSeconds: number;
  readonly commitDelaySeconds: number;
  readonly verityHandlers: boolean;
  /** undefined: states need not be signed. */
  readonly trust?: TrustSettings | undefined;
  readonly appengine: boolean;
  /** `PV_UPDATER_REBOOT`: what needs a reboot goes through one. */
  readonly rebootTransitions: boolean;
  readonly lxc: {
    readonly host: LxcContext['host'];
    readonly logLevel: number;
    readonly consoleBytes: number;
    readonly capture: boolean;
    readonly devLog: boolean;
  };
  readonly zram: boolean;
  readonly swap: boolean;
}

export interface Present {
  readonly source: 'running' | 'storage' | 'empty';
  readonly committed: StoredRevision;
  readonly trial?: TrialRevision;
  /** Proposed, and not tried yet. */
  readonly proposal?: StoredRevision;
  readonly failures: readonly Failure[];
  /** The boot script has run: a daemon that starts now takes over, and does not boot. */
  readonly booted: boolean;
  /** A reboot is due, for this reason. */
  readonly rebooting?: string;
  readonly lifeline?: Pick<Lifeline, 'stage' | 'reason' | 'sinceMs'>;
  /** See UpdateStatus. */
  readonly brokenBefore?: BrokenBefore;
  /** What is not converged, in the order in which the daemon plans. */
  readonly pending: readonly Pending[];
  /** Containers, volumes, groups and disks as they are; the update is described above. */
  readonly observed: Readonly<Record<Ref, Status>>;
  readonly intents: readonly (readonly [container: string, intent: RecordedIntent])[];
  /** What the device refused lately, as sentences: a rehearsal's device refuses nothing. */
  readonly troubles: readonly string[];
  /** Of the objects' file system; undefined: not known. */
  readonly space: { readonly totalBytes: number; readonly freeBytes: number } | undefined;
  /** Monotonic. */
  readonly nowMs: number;
  readonly settings: RehearsalSettings;
}

/** What a rehearsal has to know about things the documents name. */
export interface Question {
  readonly objects: readonly string[];
  /** Objects whose text matters: LXC configurations. */
  readonly texts: readonly string[];
  /** Devices and files that are to be disks. */
  readonly disks: readonly string[];
}

export interface Knowledge {
  /** Sizes of the objects that are there. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly texts: ReadonlyMap<string, string>;
  /** What a disk holds, as blkid names it; those that do not exist are left out. */
  readonly disks: ReadonlyMap<string, string>;
}

export type LookUp = (question: Question) => Promise<Knowledge>;

export const NOTHING_KNOWN: Knowledge = { sizes: new Map(), texts: new Map(), disks: new Map() };

/** The statuses of one kind, with their names. */
export const statusesOf = <K extends Kind>(
  kind: K,
  { observed }: Pick<Present, 'observed'>,
): readonly (readonly [name: string, status: Status<K>])[] =>
  Object.entries(observed).flatMap(([ref, status]): [string, Status<K>][] =>
    // The prefix of its ref says what a status is.
    ref.startsWith(`${kind}/`) ? [[ref.slice(kind.length + 1), status as Status<K>]] : [],
  );
