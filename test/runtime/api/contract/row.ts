/** One row of the control socket's contract, and how rows are written. */

import type { ApiDeps } from '../../../../runtime/api/ports.ts';
import { DeviceError } from '../../../../runtime/host/host.ts';
import type { Caller } from '../../../../runtime/http/peer.ts';

export interface Row {
  /** As Pantavisor's documentation names it. */
  readonly endpoint: string;
  readonly when: string;
  readonly url: string;
  readonly body?: string | undefined;
  readonly status: number;
  readonly answer: string;
  /** What the device is like. */
  readonly given: Partial<ApiDeps>;
  readonly caller?: Caller | 'nobody knows';
  /** Part of the answer's head, in lower case. */
  readonly head?: string;
  /** Sent in pieces of unknown length. */
  readonly chunked?: true;
}

export const errorOf = (message: string): string => JSON.stringify({ Error: message });

/** The device says no. */
export const refused = (): Promise<never> => Promise.reject(new DeviceError('read', '/storage', 'EIO'));
export const NO_ROOM = 'Not enough disk space available';

export type Extra = Partial<Omit<Row, 'endpoint' | 'when' | 'url' | 'status' | 'answer'>>;

/** Rows of one endpoint: case, url, body, status, answer, and what else there is to it. */
export const of = (
  endpoint: string,
  ...rows: readonly (readonly [string, string, string | undefined, number, string, Extra?])[]
): readonly Row[] =>
  rows.map(([when, url, body, status, answer, extra]) => ({
    ...{ endpoint, when, url, body, status, answer, given: {} },
    ...extra,
  }));
