/** A record as lines for people: `[<platform>] <tsec> <LEVEL>\t -- [<source>]: <line>` (log-sockets.md §4.1). */
import { levelName } from './level.ts';
import type { LogRecord } from './record.ts';
import type { Stamp } from './stamp.ts';

const NEWLINE = Buffer.from('\n');

/** One line for each line of the record; the last one gets its newline. */
export const linesOf = (record: LogRecord, stamp?: Stamp): Buffer => {
  const time = stamp === undefined ? '' : `[${stamp(record.timeMs)}] `;
  const head = Buffer.from(
    `[${record.platform}] ${time}${record.tsec} ${levelName(record.level)}\t -- [${record.source}]: `,
  );
  const parts: Buffer[] = [];
  for (const line of splitLines(record.data)) parts.push(head, line, NEWLINE);
  return Buffer.concat(parts);
};

/** Without their newlines. Data that ends with one has no empty line after it; empty data is one empty line. */
export const splitLines = (data: Buffer): readonly Buffer[] => {
  const lines: Buffer[] = [];
  for (let start = 0; start < data.length; ) {
    const end = data.indexOf(0x0a, start);
    const stop = end < 0 ? data.length : end;
    lines.push(data.subarray(start, data[stop - 1] === 0x0d && stop > start ? stop - 1 : stop));
    start = stop + 1;
  }
  return lines.length === 0 ? [data] : lines;
};
