/** A server that wants the device to be something, for people: `sources` of the status document. */
export interface SourceView {
  readonly name: 'hub';
  readonly server: string;
  /** off: `PV_CONTROL_REMOTE` is 0. local: a local revision runs. remote: it is talked to. */
  readonly mode: 'off' | 'local' | 'remote';
  /** As `pantahub.state`; null: it is not talked to. */
  readonly state: string | null;
  readonly claimed: boolean | null;
  readonly deviceId: string | null;
  readonly challenge: string | null;
  readonly online: boolean;
  /** ISO 8601, wall clock, as the next two. */
  readonly connectedSince: string | null;
  readonly lastContact: string | null;
  readonly nextTry: string | null;
  readonly lastError: string | null;
  /** False: anybody may pretend to be the server. */
  readonly tlsVerified: boolean;
  /** The step that is worked on. */
  readonly step: {
    readonly revision: string;
    readonly message: string;
    readonly author: string;
    readonly status: string;
    readonly retries: number;
    readonly bytesToGo: number;
  } | null;
  /** Reports that wait to be delivered. */
  readonly undelivered: number;
}
