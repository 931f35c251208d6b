/** What the API servers are given. They know no controllers and no host: everything they tell or ask goes through here. */
import type { Observable } from 'rxjs';
import type { ContainerStatusName } from '../../resources/kinds/goal.ts';
import type { Ref } from '../../resources/ref.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { SourceView } from '../../resources/source-view.ts';
import type { Event } from '../engine/event.ts';
import type { Explanation } from '../history/explanation.ts';
import type { RevisionRecord } from '../history/revision-record.ts';
import type { Files } from '../host/host.ts';
import type { Identify } from '../http/peer.ts';
import type { LogCount } from '../logging/queues.ts';
import type { CommandsPort } from './command-endpoints.ts';
import type { ConfigurationPort } from './configuration-endpoints.ts';
import type { MetadataPort } from './metadata-endpoints.ts';
import type { ObjectsPort } from './object-endpoints.ts';
import type { StepsPort } from './step-endpoints.ts';

export const CONTROL_ACTIONS = ['start', 'stop', 'restart'] as const;
export type ControlAction = (typeof CONTROL_ACTIONS)[number];

/** One installed revision, for `GET /steps`. */
export interface Step {
  /** `0`, `17`, `locals/web`. */
  readonly name: string;
  /** When its trail directory changed last. */
  readonly date: Date;
  readonly commitMessage: string;
  /** Content of its progress file. */
  readonly progress: string | undefined;
}

/** `status` is that of the reply. */
export interface ControlAnswer {
  readonly status: number;
  readonly message?: string;
}

export interface ApiDeps {
  /** Absolute path of the control socket, `<run>/pv-ctrl`. Its directory exists. */
  readonly socketPath: string;
  /** Where the read-only status page listens; undefined: nowhere. */
  readonly statusListen: { readonly host: string; readonly port: number } | undefined;
  readonly files: Pick<Files, 'stat' | 'remove'>;
  readonly snapshot: () => Snapshot;
  /** Every snapshot from now on; the latest first or not. */
  readonly changes: Observable<Snapshot>;
  /** Every fact that reaches the loop, for counting. */
  readonly events: Observable<Event>;
  /** Monotonic, the clock of all `…AtMs`. */
  readonly nowMs: () => number;
  readonly wallTime: () => Date;
  readonly containerStatusName: (ref: Ref<'container'>, snapshot: Snapshot) => ContainerStatusName;
  readonly groupStatusName: (ref: Ref<'group'>, snapshot: Snapshot) => ContainerStatusName;
  /**
   * By SO_PEERCRED and the peer's cgroup. The container name is as the cgroup has it: it need not
   * exist, and may carry LXC's `-<n>`. undefined: cannot be told.
   */
  readonly identify: Identify;
  /** Raw content of a revision's progress file; undefined: no such revision. The name comes from outside: check it. */
  readonly progress: (revision: string) => Promise<string | undefined>;
  readonly steps: () => Promise<readonly Step[]>;
  /** `unexpected`: the container's goal is not READY. */
  readonly signalReady: (container: string) => Promise<'ok' | 'unexpected'>;
  /**
   * Records what the operator wants; resolves when recorded, not when done. Another status than 200 says why it makes
   * no sense now. The container exists and its restart policy allows it.
   */
  readonly control: (container: string, action: ControlAction) => Promise<ControlAnswer>;
  /** What was last done to a resource and why. Both words come from outside. undefined: nothing is known of it. */
  readonly explain: (kind: string, name: string) => Promise<Explanation | undefined>;
  /** What became of every revision, newest first. */
  readonly history: () => Promise<readonly RevisionRecord[]>;
  /** Removes what nobody needs from the storage. @returns bytes. @throws DeviceError */
  readonly collectGarbage: () => Promise<number>;
  /** What would happen for this state document, or what comes next; undefined: no revision was read yet. @throws Rejection when it is no valid state. */
  readonly plan: (document: Uint8Array | undefined) => Promise<object | string | undefined>;
  readonly objects: ObjectsPort;
  readonly installing: StepsPort;
  readonly commands: CommandsPort;
  readonly userMeta: MetadataPort;
  readonly deviceMeta: MetadataPort;
  readonly configuration: ConfigurationPort;
  /** Sources that talk to a server, for the status. */
  readonly sources: () => readonly SourceView[];
  /** What was logged since the start, and lost of it. */
  readonly logs: () => readonly LogCount[];
  /** For `GET /buildinfo`. */
  readonly buildInfo: string;
  /** An error of ours that a client was told as 500, or a listener that could not be opened; for the log. */
  readonly report: (error: unknown, doing: string) => void;
}
