/** What pushing is given. It knows no store and no loop: everything it looks at or asks for goes through here. */
import type { Observable } from 'rxjs';
import type { Failure } from '../../resources/kinds/update.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { Condition } from '../api/conditions.ts';
import type { ObjectsPort } from '../api/object-endpoints.ts';
import type { Step } from '../api/ports.ts';
import type { StepsPort } from '../api/step-endpoints.ts';
import type { Entry } from '../history/history-entry.ts';
import type { Files } from '../host/host.ts';
import type { ProgressReport } from '../sources/directory/status-file.ts';
import type { PartialUploads } from '../store/objects/partial-uploads.ts';
import type { AuditLine } from './audit.ts';

export type Judged =
  /** `hash`: sha256 of the canonical document. `objects`: that it names. */
  | { readonly ok: true; readonly hash: string; readonly objects: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface StatesPort extends StepsPort {
  /** sha256 of the canonical document; undefined: no such revision. @throws DeviceError */
  hash(revision: string): Promise<string | undefined>;
  /** Whether a document can become this revision. */
  judge(revision: string, document: Uint8Array): Promise<Judged>;
  /** Those of these objects that nobody has brought. @throws DeviceError */
  missing(objects: readonly string[]): Promise<readonly string[]>;
  /** That content like this failed before, whatever it was called. @throws DeviceError */
  failure(hash: string): Promise<Failure | undefined>;
  /** How a revision fares; undefined: no such revision. @throws DeviceError */
  report(revision: string): Promise<ProgressReport | undefined>;
}

export type RunOutcome =
  /** The device has taken it up. */
  | { readonly is: 'begun' }
  /** Another update, or another command, is still at it. */
  | { readonly is: 'busy'; readonly message: string }
  | { readonly is: 'refused'; readonly message: string };

export interface RunPort {
  /** With a revision; default: with any. */
  isUpdating(revision?: string): boolean;
  /** The device is taken down, and boots. */
  isRebooting(): boolean;
  /** @param from whose wish it is. @throws DeviceError */
  begin(revision: string, from: string): Promise<RunOutcome>;
}

export interface PushPort {
  readonly files: Files;
  readonly changes: Observable<Snapshot>;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly wallTime: () => Date;
  readonly hostname: string;
  readonly conditions: () => readonly Condition[];
  /** How every revision fares that the update knows of. */
  readonly reports: () => ReadonlyMap<string, ProgressReport>;
  /** Who runs, and who is what a restart goes back to. */
  readonly committed: () => string | undefined;
  readonly steps: () => Promise<readonly Step[]>;
  readonly objects: ObjectsPort;
  readonly uploads: PartialUploads;
  /** Whether so many bytes of objects fit, once what nobody needs is gone. @throws DeviceError */
  readonly hasRoomFor: (bytes: number) => Promise<boolean>;
  readonly states: StatesPort;
  readonly run: RunPort;
  readonly audit: (line: AuditLine) => void;
  /** What was written down of requests, oldest first. */
  readonly audited: () => Promise<readonly Entry[]>;
  /** An error of ours that a client was told as 500. */
  readonly report: (error: unknown, doing: string) => void;
  /** The listener is not, or not as it should be, what was asked for. */
  readonly onProblem: (message: string) => void;
}
