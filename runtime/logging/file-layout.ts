/**
 * A batch of records as what is to be appended to each file. A platform that comes with more sources than it may have
 * files has the rest of them in one, with their names in the lines.
 */

import type { Receipt } from './checkpoint.ts';
import { countLines, jsonLines, labelled, type Stamp, treeText } from './log-lines.ts';
import { othersOf, pathOf, SINGLE_FILE } from './log-path.ts';
import type { LogRecord } from './log-record.ts';

export interface Chunk {
  /** Below the root of the tree. */
  readonly path: string;
  readonly parts: Buffer[];
  bytes: number;
  lines: number;
  readonly receipts: { readonly receipt: Receipt; readonly at: number; readonly length: number }[];
}

export interface Layout {
  readonly filetree: boolean;
  readonly singlefile: boolean;
  readonly filetreeStamp?: Stamp;
  readonly singlefileStamp?: Stamp;
}

/** Of one platform and revision. */
const MAX_FILES = 128;

export interface Sorting {
  /** @param files all there are in the tree. */
  begin(revision: string, files: Iterable<string>): void;
  sort(records: readonly LogRecord[], layout: Layout): readonly Chunk[];
}

/** `<revision>/<platform>` of a path in the tree. `locals/<name>` is one revision. */
const ownerOf = (path: string): string => /^(?:locals\/)?[^/]*\/[^/]*/.exec(path)?.[0] ?? path;

export const sorting = (): Sorting => {
  let current = '';
  /** Paths by revision and platform. */
  let known = new Map<string, Set<string>>();

  const remember = (path: string): boolean => {
    const paths = known.get(ownerOf(path)) ?? new Set();
    known.set(ownerOf(path), paths);
    if (!paths.has(path) && paths.size >= MAX_FILES) return false;
    paths.add(path);
    return true;
  };

  const inTree = (record: LogRecord, stamp: Stamp | undefined): { readonly path: string; readonly bytes: Buffer } => {
    const { revision = current } = record;
    const path = `${revision}/${pathOf(record)}`;
    return remember(path)
      ? { path, bytes: treeText(record, stamp) }
      : { path: `${revision}/${othersOf(record)}`, bytes: labelled(record, stamp) };
  };

  return {
    begin: (next, files) => {
      current = next;
      known = new Map();
      for (const path of files) remember(path);
    },
    sort: (records, { filetree, singlefile, filetreeStamp, singlefileStamp }) => {
      const chunks = new Map<string, Chunk>();
      const add = (path: string, bytes: Buffer, record: LogRecord, isFirst: boolean): void => {
        const chunk = chunks.get(path) ?? { path, parts: [], bytes: 0, lines: 0, receipts: [] };
        chunks.set(path, chunk);
        if (isFirst && record.receipt !== undefined)
          chunk.receipts.push({ receipt: record.receipt, at: chunk.bytes, length: bytes.length });
        chunk.parts.push(bytes);
        chunk.bytes += bytes.length;
        chunk.lines += countLines(record.data);
      };
      for (const record of records) {
        if (filetree) {
          const { path, bytes } = inTree(record, filetreeStamp);
          add(path, bytes, record, true);
        }
        // Delivered is what is in the first of both.
        if (singlefile)
          add(`${record.revision ?? current}/${SINGLE_FILE}`, jsonLines(record, singlefileStamp), record, !filetree);
      }
      return [...chunks.values()];
    },
  };
};
