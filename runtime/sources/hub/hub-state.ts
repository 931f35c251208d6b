/**
 * The words of the Hub client's state machine: what it knows, what can happen to it, and what it asks for.
 *
 * In: nothing. Out: types, and the phase that follows from a state. Pure.
 *
 *   register ─► claim ─► login ─► wait Hub ─► (sync ─► wait Hub)* ─► idle ─► prep download ─► download ─► report ─► idle
 *
 * A lost token leads back to login from everywhere; the phase is never stored, so it cannot contradict the state.
 */
import type { Progress } from '../../../resources/progress.ts';

export interface Credentials {
  readonly id: string;
  readonly prn: string;
  readonly secret: string;
}

/** Pantavisor's words, as device metadata `pantahub.state` has them. */
export type Phase =
  | 'register'
  | 'claim'
  | 'login'
  | 'wait Hub'
  | 'sync'
  | 'idle'
  | 'prep download'
  | 'download'
  | 'report';

export interface WantedObject {
  readonly id: string;
  /**
   * listed → asked → known → fetching → stored; dropped: it failed, and waits for the next listing. `known` again
   * after a failed download keeps its URL only until then.
   */
  readonly is: 'listed' | 'asked' | 'known' | 'fetching' | 'stored' | 'dropped';
  readonly sizeBytes: number;
  readonly url: string;
  /** Bytes that are on the disk. */
  readonly doneBytes: number;
}

export interface HubUpdate {
  readonly revision: string;
  /** Who made the step, and what they wrote. */
  readonly message: string;
  readonly author: string;
  /** judging: local work. refused: another source is not finished. final: reported, nothing follows. */
  readonly stage: 'judging' | 'metadata' | 'room' | 'downloading' | 'refused' | 'running' | 'final';
  readonly retries: number;
  /** Listings of missing objects since the stage began; the first is free. */
  readonly listings: number;
  readonly objects: readonly WantedObject[];
  readonly progress: Progress;
  /** Seconds since 1970; when the download began. */
  readonly startedAt: number;
}

export interface Report {
  readonly revision: string;
  readonly progress: Progress;
}

export interface HubState {
  readonly credentials: Credentials | undefined;
  readonly claimed: boolean;
  readonly challenge: string | undefined;
  readonly token: string | undefined;
  readonly trail: 'unknown' | 'missing' | 'synced';
  /** Keys of requests that were not answered yet. */
  readonly inFlight: readonly string[];
  readonly online: boolean;
  /** Requests in a row that got no answer. */
  readonly unanswered: number;
  /** Failures in a row, of any kind, of what the phase asks for. */
  readonly failures: number;
  /** The server asked to be left alone for so long. */
  readonly retryAfterMs: number | undefined;
  readonly lastError: string | undefined;
  readonly update: HubUpdate | undefined;
  /** Newest reports that were not delivered, one of each revision, oldest first. */
  readonly reports: readonly Report[];
}

export const INITIAL: HubState = {
  credentials: undefined,
  claimed: false,
  challenge: undefined,
  token: undefined,
  trail: 'unknown',
  inFlight: [],
  online: false,
  unanswered: 0,
  failures: 0,
  retryAfterMs: undefined,
  lastError: undefined,
  update: undefined,
  reports: [],
};

/** Requests to the Hub, and local work whose end comes back as an event. */
export type Request =
  | { readonly kind: 'register' }
  | { readonly kind: 'device' }
  | { readonly kind: 'login' }
  | { readonly kind: 'trails' }
  | { readonly kind: 'sync' }
  | { readonly kind: 'steps' }
  | { readonly kind: 'object'; readonly id: string }
  | { readonly kind: 'download'; readonly id: string; readonly url: string; readonly sizeBytes: number }
  | { readonly kind: 'progress'; readonly report: Report }
  | { readonly kind: 'user-meta' }
  | { readonly kind: 'device-meta' };

export type Deed =
  /** undefined: forget them; the device registers again. */
  | { readonly kind: 'save credentials'; readonly credentials: Credentials | undefined; readonly claimed: boolean }
  | { readonly kind: 'show challenge'; readonly challenge: string }
  /** Looks up what is on disk about a step: `recalled`. */
  | { readonly kind: 'recall'; readonly step: Step }
  /** Checks signatures and format, and stores the revision: `judged`. */
  | { readonly kind: 'judge'; readonly revision: string; readonly progress: Progress }
  | { readonly kind: 'make room'; readonly revision: string; readonly bytes: number }
  | { readonly kind: 'propose'; readonly revision: string }
  | { readonly kind: 'save progress'; readonly report: Report }
  | { readonly kind: 'apply user-meta'; readonly map: Readonly<Record<string, unknown>> };

export type Effect = Request | Deed;

export interface Step {
  readonly revision: string;
  /** The state as it came, character by character. */
  readonly document: string;
  readonly message: string;
  readonly author: string;
  readonly retries: number;
}

/** What the body of a 200 said; a body that does not say it is not `ok`. */
export type Answer =
  | { readonly kind: 'register'; readonly credentials: Credentials }
  | { readonly kind: 'device'; readonly owner: string; readonly challenge: string }
  | { readonly kind: 'login'; readonly token: string }
  | { readonly kind: 'trails'; readonly isSynced: boolean }
  | { readonly kind: 'steps'; readonly step: Step | undefined }
  | { readonly kind: 'object'; readonly id: string; readonly sizeBytes: number; readonly url: string }
  | { readonly kind: 'user-meta'; readonly map: Readonly<Record<string, unknown>> }
  | { readonly kind: 'sync' | 'progress' | 'device-meta' | 'download' };

export type Verdict =
  | { readonly is: 'rejected'; readonly message: string; readonly detail: string }
  | { readonly is: 'accepted'; readonly missing: readonly string[] };

export type HubEvent =
  /** The main timer. */
  | { readonly type: 'due'; readonly atSeconds: number }
  | { readonly type: 'metadata due'; readonly which: 'user-meta' | 'device-meta' }
  | { readonly type: 'answered'; readonly request: Request; readonly answer: Answer }
  /** Any status but 200, or a 200 whose body is none of ours. */
  | {
      readonly type: 'refused';
      readonly request: Request;
      readonly status: number;
      readonly reason: string;
      readonly retryAfterMs?: number;
    }
  | { readonly type: 'unanswered'; readonly request: Request; readonly reason: string }
  | { readonly type: 'recalled'; readonly step: Step; readonly known: Progress | undefined; readonly is: Recalled }
  | { readonly type: 'judged'; readonly revision: string; readonly verdict: Verdict; readonly atSeconds: number }
  | {
      readonly type: 'room made';
      readonly revision: string;
      readonly availableBytes: number;
      readonly neededBytes: number;
      readonly atSeconds: number;
    }
  | { readonly type: 'loaded'; readonly id: string; readonly bytes: number }
  /** What became of a revision, from the device. */
  | { readonly type: 'outcome'; readonly revision: string; readonly progress: Progress; readonly refused?: true };

/** on trial: it runs. new: neither on trial nor final. */
export type Recalled = 'final' | 'on trial' | 'new';

export interface HubSettings {
  /** `PV_REVISION_RETRIES`. */
  readonly maxRetries: number;
  /** `PH_UPDATER_TRANSFER_MAX_COUNT`. */
  readonly maxTransfers: number;
  /** `PH_ONLINE_REQUEST_THRESHOLD`. */
  readonly onlineThreshold: number;
}

export interface Transition {
  readonly state: HubState;
  readonly effects: readonly Effect[];
}

export const keyOf = (request: Request): string =>
  request.kind === 'object' || request.kind === 'download' ? `${request.kind} ${request.id}` : request.kind;

export const phaseOf = ({ claimed, credentials, token, trail, update }: HubState): Phase => {
  if (!claimed) return credentials === undefined ? 'register' : 'claim';
  if (token === undefined) return 'login';
  if (trail !== 'synced') return trail === 'unknown' ? 'wait Hub' : 'sync';
  if (update === undefined || update.stage === 'final') return 'idle';
  switch (update.stage) {
    case 'judging':
    case 'metadata':
    case 'room':
      return 'prep download';
    case 'downloading':
      return 'download';
    default:
      return 'report';
  }
};
