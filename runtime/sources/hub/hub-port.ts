/** What the Hub client is given of the device. It knows no store and no loop: everything goes through here. */
import type { Progress } from '../../../resources/progress.ts';
import type { Outcome } from '../../../resources/proposal.ts';
import type { Clock } from '../../host/host.ts';
import type { PartialUploads } from '../../store/objects/partial-uploads.ts';
import type { StoredCredentials } from './credentials.ts';
import type { Recalled, Report, Step, Verdict } from './hub-state.ts';

export interface RunningState {
  readonly document: Buffer;
  /** In the order of the document; the same object may have several names. */
  readonly objects: readonly { readonly id: string; readonly name: string }[];
}

export interface HubSettingsNow {
  readonly updaterMs: number;
  readonly userMetaMs: number;
  readonly deviceMetaMs: number;
  readonly maxRetries: number;
  readonly maxTransfers: number;
  readonly onlineThreshold: number;
  readonly autoToken: string;
  /** Bytes per second of all downloads; 0: as many as there are. */
  readonly maxBytesPerSecond: number;
}

export interface HubPort {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly settings: () => HubSettingsNow;
  /** The update that is committed was seen to work: only then a device offers itself for claiming and syncs. */
  readonly mayBegin: () => boolean;
  readonly uploads: PartialUploads;
  recall(step: Step): Promise<{ readonly known: Progress | undefined; readonly is: Recalled }>;
  judge(step: Step, progress: Progress): Promise<Verdict>;
  makeRoom(bytes: number): Promise<number>;
  propose(step: { readonly revision: string; readonly document: string }, from: string): Promise<Outcome>;
  saveProgress(report: Report): Promise<void>;
  applyUserMeta(map: Readonly<Record<string, unknown>>): Promise<void>;
  deviceMeta(): Promise<string>;
  /** A fact for device metadata. */
  tell(key: string, value: string): void;
  /** undefined: it could not be read. */
  running(): Promise<RunningState | undefined>;
  sizeOf(object: string): Promise<number | undefined>;
  content(object: string): AsyncIterable<Uint8Array>;
  loadCredentials(): Promise<StoredCredentials>;
  saveCredentials(stored: StoredCredentials): Promise<void>;
  showChallenge(challenge: string): Promise<void>;
  readonly onProblem: (message: string) => void;
  readonly onBug: (error: unknown) => void;
}
