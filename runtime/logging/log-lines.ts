/** How records look in files: pure, from a record to bytes. */
import { LEVEL_NAMES } from '../../resources/log-format/log-levels.ts';
import type { LogRecord } from './log-record.ts';

/** A timestamp as a format of §4.4 makes it; undefined: no format is set. */
export type Stamp = (timeMs: number) => string;

const NEWLINE = 0x0a;

/** How many `linesOf` would find, without making them: a record may be nothing but newlines. */
export const countLines = (data: Buffer): number => {
  let count = 0;
  for (const byte of data) if (byte === NEWLINE) count += 1;
  return data.length === 0 || data.at(-1) === NEWLINE ? count : count + 1;
};

/** Without their newlines; a newline at the end begins no further line. */
export const linesOf = (data: Buffer): Buffer[] => {
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = data.indexOf(NEWLINE); at !== -1; at = data.indexOf(NEWLINE, from)) {
    lines.push(data.subarray(from, at));
    from = at + 1;
  }
  if (from < data.length) lines.push(data.subarray(from));
  return lines;
};

/** `[<platform>] [<ts>] <tsec> <LEVEL>\t -- [<source>]: <line>`, one for each line of the record. */
export const labelled = ({ platform, source, level, data, timeMs, tsec }: LogRecord, stamp?: Stamp): Buffer => {
  const time = stamp === undefined ? '' : `[${stamp(timeMs)}] `;
  const label = Buffer.from(`[${platform}] ${time}${tsec} ${LEVEL_NAMES[level]}\t -- [${source}]: `);
  return Buffer.concat(linesOf(data).flatMap((line) => [label, line, NEWLINE_BYTES]));
};
const NEWLINE_BYTES = Buffer.from([NEWLINE]);

/** `\r\n` alone is how serial consoles end a line that was stamped already. */
const isBlank = (line: Buffer): boolean => line.length === 0 || (line.length === 1 && line[0] === 0x0d);

const stamped = (data: Buffer, time: string): Buffer => {
  const label = Buffer.from(`[${time}] `);
  const endsInNewline = data.at(-1) === NEWLINE;
  const lines = linesOf(data);
  const parts = lines.flatMap((line, index) => {
    const newline = index < lines.length - 1 || endsInNewline ? [NEWLINE_BYTES] : [];
    return [...(isBlank(line) ? [] : [label]), line, ...newline];
  });
  return Buffer.concat(parts);
};

/** As received; only text formats come without their newline. */
const raw = ({ data, isText, timeMs }: LogRecord, stamp?: Stamp): Buffer => {
  const content = isText ? Buffer.concat([data, NEWLINE_BYTES]) : data;
  return stamp === undefined ? content : stamped(content, stamp(timeMs));
};

/** In the tree of files. */
export const treeText = (record: LogRecord, stamp?: Stamp): Buffer =>
  record.isOwn ? labelled(record, stamp) : raw(record, stamp);

/** What is the same for all lines of a record. */
const jsonHead = ({ platform, source, level, tsec }: LogRecord, ts: string | undefined): string => {
  const time = { tsec, tnano: 0, ...(ts === undefined ? {} : { ts }) };
  return JSON.stringify({ ...time, platform, lvl: LEVEL_NAMES[level], src: source }).slice(0, -1);
};

const jsonLine = (head: string, message: string): string => `${head},"msg":${JSON.stringify(message)}}\n`;

const textOf = (bytes: Buffer): string => bytes.toString('utf8').replace(/\r$/, '');

/** In `pv.log`: one object for each line. */
export const jsonLines = (record: LogRecord, stamp?: Stamp): Buffer => {
  const head = jsonHead(record, stamp?.(record.timeMs));
  return Buffer.from(
    linesOf(record.data)
      .map((line) => jsonLine(head, textOf(line)))
      .join(''),
  );
};

/** In the log of an update: one object for the record. */
export const jsonRecord = (record: LogRecord): string =>
  jsonLine(jsonHead(record, undefined), record.data.toString('utf8').replace(/[\r\n]+$/, ''));
