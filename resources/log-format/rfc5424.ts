/** `<PRI>1 TIME HOST APP PROCID MSGID STRUCTURED-DATA MSG` (RFC 5424 §6). The host is never believed. */
import { levelOfPriority } from './log-levels.ts';
import { type Parsed, refuse } from './message.ts';

const HEAD = /^<(\d{1,3})>1 (\S+) \S+ (\S+) \S+ \S+ /;
/** `-`, or elements `[id key="value" …]`; quotes and backslashes in values are escaped (RFC 5424 §6.3). */
const STRUCTURED = /^(?:-|(?:\[[^\s=\]"]+(?: [^\s=\]"]+="(?:[^"\\]|\\[\s\S])*")*\])+)(?: |$)/;
const TIME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?$/;
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';
const UNKNOWN_APP = 'unknown-app';

/** With its fraction and zone; without a zone it is local. undefined: there is no such time. */
const timeOf = (text: string): number | undefined => {
  if (!TIME.test(text)) return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
};

/** `text` has one character per byte. */
export const parseRfc5424 = (text: string): Parsed => {
  const [head, priority, time = '-', app = '-'] = HEAD.exec(text) ?? [];
  if (head === undefined) return refuse('an RFC 5424 message with fewer than its eight parts');
  const timeMs = time === '-' ? undefined : timeOf(time);
  if (time !== '-' && timeMs === undefined) return refuse('an RFC 5424 message whose time does not exist');
  const rest = text.slice(head.length);
  const [data] = STRUCTURED.exec(rest) ?? [];
  if (data === undefined) return refuse('an RFC 5424 message whose structured data does not end');
  const message = rest.slice(data.length);
  return {
    level: levelOfPriority(Number(priority)),
    source: app === '-' ? UNKNOWN_APP : Buffer.from(app, 'latin1').toString(),
    data: Buffer.from(message.startsWith(BYTE_ORDER_MARK) ? message.slice(3) : message, 'latin1'),
    isText: true,
    ...(timeMs === undefined ? {} : { timeMs }),
  };
};
