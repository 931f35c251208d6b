/**
 * What is written down of requests: everything that changes something, and everything that was refused for who it came
 * from. Who is refused again and again is counted, not written: the log is on flash, and belongs to those who may.
 */
import { rateOf } from './rates.ts';

export interface AuditLine {
  /** `ci at 192.0.2.7` */
  readonly from: string;
  /** `PUT /v1/revisions/web` */
  readonly what: string;
  readonly status: number;
  /** Refusals before this one that were not written. */
  readonly unwritten: number;
}

export interface Answered {
  readonly from: string;
  /** Somebody with a token, or where none is needed. */
  readonly isKnown: boolean;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface Audit {
  answered(answered: Answered): void;
}

const LOOKING: readonly string[] = ['GET', 'HEAD'];
const REFUSALS: readonly number[] = [401, 403, 421, 429];
const LONGEST_PATH = 160;
/** All in all, whoever it is. */
const REFUSALS_PER_SECOND = 1 / 60;
const REFUSALS_AT_ONCE = 20;

const printable = (path: string): string =>
  path.replace(/[^ -~]/g, '?').slice(0, LONGEST_PATH) + (path.length > LONGEST_PATH ? '…' : '');

export const auditing = (write: (line: AuditLine) => void, nowMs: () => number): Audit => {
  const refused = rateOf({ perSecond: REFUSALS_PER_SECOND, burst: REFUSALS_AT_ONCE, nowMs });
  let unwritten = 0;
  return {
    answered: ({ from, isKnown, method, path, status }) => {
      if (LOOKING.includes(method) && !REFUSALS.includes(status)) return;
      const isRefusal = !isKnown || REFUSALS.includes(status);
      if (isRefusal && refused.take('') > 0) {
        unwritten += 1;
        return;
      }
      write({ from, what: `${method} ${printable(path)}`, status, unwritten });
      unwritten = 0;
    },
  };
};
