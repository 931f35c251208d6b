/**
 * From the bytes of one message to what it says, whichever of the five formats it is in.
 *
 * In: bytes of any kind. Out: a message, or why it is none. It never throws, and its time grows with the size only.
 */
import { isBinary, parseBinary } from './binary.ts';
import { parseJson } from './json.ts';
import { parseKeyValue } from './key-value.ts';
import { type Parsed, refuse } from './message.ts';
import { parseRfc3164 } from './rfc3164.ts';
import { parseRfc5424 } from './rfc5424.ts';

const SYSLOG = /^<\d{1,4}>/;

export const isSyslog = (text: string): boolean => SYSLOG.test(text);

const parseSyslog = (text: string, nowMs: number): Parsed => {
  const after = text[text.indexOf('>') + 1];
  return after === '1' ? parseRfc5424(text) : parseRfc3164(text, nowMs);
};

const OPEN_BRACE = 0x7b;

/** The first byte that is no blank. */
const firstOf = (bytes: Buffer): number => bytes.find((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) ?? 0;

/** @param nowMs wall clock: syslog's time has no year. */
export const parseMessage = (bytes: Buffer, nowMs: number): Parsed => {
  // Before any text is made of them: what begins with a NUL is no text.
  if (isBinary(bytes)) return parseBinary(bytes);
  const text = trimEnd(bytes.toString('latin1'));
  if (isSyslog(text)) return parseSyslog(text, nowMs);
  const json = firstOf(bytes) === OPEN_BRACE ? parseJson(text) : undefined;
  return json ?? parseKeyValue(text) ?? refuse('neither syslog, JSON, key=value pairs nor binary');
};

/** Clients end a line by a newline, syslog(3) by a NUL. One at a time: a pattern at the end would look at every blank. */
export const trimEnd = (text: string): string => {
  let end = text.length;
  while (end > 0 && '\n\r\0'.includes(text[end - 1] ?? ' ')) end -= 1;
  return text.slice(0, end);
};
