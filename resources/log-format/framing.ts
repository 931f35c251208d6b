/**
 * Where a message ends in what a connection has brought so far. One connection is one message, as in Pantavisor; only
 * syslog(3) keeps its connection and ends each message with a NUL.
 */
import { binaryLength, isBinary } from './binary.ts';
import { isSyslog } from './parse.ts';

export interface Framed {
  readonly messages: readonly Buffer[];
  /** What is still incomplete. */
  readonly rest: Buffer;
  /** Nothing more is expected: the connection can be closed. */
  readonly isOver: boolean;
}

const NOTHING = Buffer.alloc(0);
const NUL = 0x00;
const NEWLINE = 0x0a;
const SHORTEST_BINARY = 8;

const one = (message: Buffer): Framed => ({ messages: [message], rest: NOTHING, isOver: true });
const wait = (rest: Buffer): Framed => ({ messages: [], rest, isOver: false });

/** Up to each NUL, or to a newline behind which the next message begins or nothing. */
const syslogIn = (bytes: Buffer): Framed => {
  const messages: Buffer[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const isNewline = bytes[at] === NEWLINE && (at + 1 === bytes.length || bytes[at + 1] === 0x3c);
    if (bytes[at] !== NUL && !isNewline) continue;
    if (at > start) messages.push(bytes.subarray(start, at));
    start = at + 1;
  }
  return { messages, rest: bytes.subarray(start), isOver: false };
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // SyntaxError is all that it throws
  }
};

/** The client has not closed yet, so it may be waiting for us to do so. */
const isWhole = (bytes: Buffer): boolean => {
  if (bytes.at(-1) === NEWLINE) return true;
  const text = bytes.toString('utf8');
  return /^\s*\{[\s\S]*\}\s*$/.test(text) && isJson(text);
};

/** @param ended whether nothing more will come. @param maxBytes more than this is cut off. */
export const frame = (bytes: Buffer, ended: boolean, maxBytes: number): Framed => {
  if (bytes.length === 0) return { messages: [], rest: NOTHING, isOver: ended };
  const isLast = ended || bytes.length >= maxBytes;
  if (isBinary(bytes)) {
    const length = binaryLength(bytes);
    return isLast || bytes.length >= length ? one(bytes.subarray(0, length)) : wait(bytes);
  }
  if (isSyslog(bytes.toString('latin1', 0, 8))) {
    const framed = syslogIn(bytes);
    if (!isLast) return framed;
    return {
      messages: framed.rest.length === 0 ? framed.messages : [...framed.messages, framed.rest],
      rest: NOTHING,
      isOver: true,
    };
  }
  if (isLast) return one(bytes);
  // Too short to tell from binary: NUL bytes may be about to follow.
  if (bytes.length < SHORTEST_BINARY) return wait(bytes);
  return isWhole(bytes) ? one(bytes) : wait(bytes);
};
