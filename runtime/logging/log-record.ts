/** One log record: what every output is given, whichever socket, format or file it came from. */
import { originOf, type Sender } from '../../resources/log-format/attribution.ts';
import type { LogLevel } from '../../resources/log-format/log-levels.ts';
import type { Message } from '../../resources/log-format/message.ts';
import type { Receipt } from './checkpoint.ts';

export interface LogRecord {
  /** Whose it is: a container's name, `pantavisor`, or `pantavisor-<part>`. One path component: 1–63 bytes, no `/`, never `.` or `..`. */
  readonly platform: string;
  /**
   * Pantavisor's own, or a helper's on the host: one file for all sources. A container may be called `pantavisor-x`, so
   * the platform does not tell.
   */
  readonly isOwn: boolean;
  /**
   * The program, file or stream. May have sub-directories (`lxc/console.log`) and begin with one slash
   * (`/var/log/messages`); no component is empty, `.` or `..`, none has control characters; at most 200 bytes in all.
   */
  readonly source: string;
  readonly level: LogLevel;
  /** As received. May be many lines, the last one cut off (isText: false), or one message without its newline (isText: true). */
  readonly data: Buffer;
  /** From a text format (JSON, key-value, syslog): a newline is appended in filetree. */
  readonly isText: boolean;
  /** Wall clock, Unix ms: as parsed from the message, else when it was received. */
  readonly timeMs: number;
  /** s: since boot or Unix time, as `PV_LOG_TIMESTAMP` says. */
  readonly tsec: number;
  /** Whose log it belongs to; undefined: the revision that runs when it is written. */
  readonly revision?: string;
  /** It was read from a file that is followed. */
  readonly receipt?: Receipt;
}

/** What a container printed. */
export const isConsole = ({ source, isOwn }: Pick<LogRecord, 'source' | 'isOwn'>): boolean =>
  !isOwn && source === 'lxc/console.log';

/** The time of a record: wall clock in ms, and `tsec` as `PV_LOG_TIMESTAMP` says. */
export type Now = Pick<LogRecord, 'timeMs' | 'tsec'>;

export const recordOf = (sender: Sender, message: Message, now: Now): LogRecord => ({
  ...originOf(sender, message),
  level: message.level,
  // Not a part of the buffer that it was read into, which is used again.
  data: Buffer.from(message.data),
  isText: message.isText,
  timeMs: message.timeMs ?? now.timeMs,
  tsec: now.tsec,
});
