/** A line of the daemon's own log, which is JSON of pino, as what goes to `pantavisor.log`. */
import type { LogLevel } from '../../resources/log-format/log-levels.ts';

export interface OwnLine {
  readonly level: LogLevel;
  readonly source: string;
  readonly text: string;
  /** Unix ms, when it was said: before there was a log server, perhaps. */
  readonly timeMs?: number;
}

/** pino counts upwards in tens, from trace to fatal. */
const levelOf = (level: unknown): LogLevel => Math.min(Math.max(6 - Math.round(Number(level) / 10), 0), 5) as LogLevel; // clamped

const SOURCE = 'daemon';

/** What it is about, as the source; all else that it says, behind the message. */
export const ownLine = (json: string): OwnLine => {
  const { level, time, revision: _, ref, subject, msg = '', err, ...rest } = JSON.parse(json);
  const more = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  const about = subject === undefined ? '' : `${subject}: `;
  const timeMs = Date.parse(String(time));
  const stack = err === undefined ? '' : `\n${err.stack ?? err.message}`;
  return {
    level: levelOf(level),
    source: ref === undefined ? SOURCE : String(ref),
    text: `${about}${msg}${more}${stack}`,
    ...(Number.isNaN(timeMs) ? {} : { timeMs }),
  };
};
