/** Traditional syslog, `<PRI>Mmm dd HH:MM:SS [HOST ]TAG[pid]: msg`. The host is never believed. */
import { levelOfPriority } from './log-levels.ts';
import { type Parsed, refuse } from './message.ts';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const HEAD = /^<(\d{1,3})>([a-z]{3})[a-z]*\s+(\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})\s*/i;
const TAG = /^([^\s:[]{1,255})(?:\[[^\]\s]{0,64}\])?:(?:\s|$)/;
const HOST = /^\S{1,255}\s+/;
const UNKNOWN_APP = 'unknown-app';
/** A clock may run ahead of ours, but not by this much: then it was last year. */
const FUTURE_MS = 31 * 86_400_000;

/** Local time of this year; of last year when that is yet to come, as in the first days of January. */
const timeOf = (month: number, [day = 0, ...clock]: readonly number[], nowMs: number): number | undefined => {
  const [hours = 0, minutes = 0, seconds = 0] = clock;
  if (month < 0 || day < 1 || day > 31 || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const year = new Date(nowMs).getFullYear();
  const thisYear = new Date(year, month, day, hours, minutes, seconds).getTime();
  if (thisYear - nowMs <= FUTURE_MS) return thisYear;
  return new Date(year - 1, month, day, hours, minutes, seconds).getTime();
};

const splitTag = (rest: string): { source: string; message: string } => {
  const host = TAG.test(rest) ? '' : (HOST.exec(rest)?.[0] ?? '');
  const tagged = rest.slice(host.length);
  const [head, source] = TAG.exec(tagged) ?? [];
  return head === undefined || source === undefined
    ? { source: UNKNOWN_APP, message: rest }
    : { source, message: tagged.slice(head.length) };
};

/** `text` has one character per byte. */
export const parseRfc3164 = (text: string, nowMs: number): Parsed => {
  const [head, priority, month = '', ...numbers] = HEAD.exec(text) ?? [];
  if (head === undefined) return refuse('an RFC 3164 message without a time such as "Nov 28 22:15:00"');
  const timeMs = timeOf(MONTHS.indexOf(month.toLowerCase()), numbers.map(Number), nowMs);
  if (timeMs === undefined) return refuse('an RFC 3164 message whose time does not exist');
  const { source, message } = splitTag(text.slice(head.length));
  return {
    level: levelOfPriority(Number(priority)),
    source: Buffer.from(source, 'latin1').toString(),
    data: Buffer.from(message, 'latin1'),
    isText: true,
    timeMs,
  };
};
