/** The time format of a `PV_LOG_…_TIMESTAMP_FORMAT`: local time, as strftime(3) writes it. */
import strftime from 'strftime';
import type { Stamp } from './log-lines.ts';

/** Go's layouts, by the names that Pantavisor gives them. */
const GOLANG: Readonly<Record<string, string>> = {
  Layout: "%m/%d %H:%M:%S%p '%y %z",
  RubyDate: '%a %b %d %T %z %Y',
  ANSIC: '%a %b %_d %T %Y',
  RFC822Z: '%d %b %y %H:%M %z',
  RFC1123Z: '%a, %d %b %Y %T %z',
};
const MAX_STAMP_CHARS = 128;
const UNKNOWN = '--';

const patternOf = (format: string): string | undefined => {
  if (format.startsWith('strftime:')) return format.slice('strftime:'.length);
  if (!format.startsWith('golang:')) return undefined;
  const layout = format.slice('golang:'.length);
  return Object.hasOwn(GOLANG, layout) ? GOLANG[layout] : undefined;
};

/** undefined: no format, or none of the two kinds. A time that cannot be written is `--`. */
export const stampOf = (format: string | undefined): Stamp | undefined => {
  const pattern = patternOf(format ?? '');
  if (pattern === undefined) return undefined;
  let last: { readonly timeMs: number; readonly text: string } | undefined;
  return (timeMs) => {
    if (last?.timeMs === timeMs) return last.text;
    const date = new Date(timeMs);
    const text = Number.isNaN(date.getTime()) ? '' : strftime(pattern, date).slice(0, MAX_STAMP_CHARS);
    last = { timeMs, text: text === '' || /[\n\r\0]/.test(text) ? UNKNOWN : text };
    return last.text;
  };
};
