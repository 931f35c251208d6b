/** One log as lines: the last ones, with what was rotated, and then what is added, over every rotation. */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const CHUNK_BYTES = 256 * 1024;
/** Of which most lines are shorter. */
const LIKELY_LINE_BYTES = 1024;
const NEWLINE = 0x0a;

/** Archives of a log, the newest first. */
const archivesOf = (path: string): readonly string[] => {
  const prefix = `${basename(path)}.`;
  const numberOf = (name: string): number => Number(/^(\d+)\.gz$/.exec(name.slice(prefix.length))?.[1]);
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && numberOf(name) > 0)
    .sort((left, right) => numberOf(right) - numberOf(left))
    .map((name) => join(dirname(path), name));
};

const linesOf = (content: Buffer): string[] => {
  const lines = content.toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
};

/** undefined: gone by now, or cut off by a power cut. */
const unzipped = (archive: string): readonly string[] => {
  try {
    return linesOf(gunzipSync(readFileSync(archive)));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
};

/** How far a log was read. */
export interface Place {
  readonly inode: number;
  readonly position: number;
  readonly rest: Buffer<ArrayBuffer>;
}

export class LogTail {
  readonly path: string;
  #fd: number;
  #position = 0;
  /** A line without its end. */
  #rest = Buffer.alloc(0);

  /** @param place of an earlier tail: reads on from there. @throws Error ENOENT */
  constructor(path: string, place?: Place) {
    this.path = path;
    this.#fd = openSync(path, 'r');
    if (place?.inode === fstatSync(this.#fd).ino) [this.#position, this.#rest] = [place.position, place.rest];
  }

  /** The last lines, of archives too; `undefined`: all. */
  last(count: number | undefined): readonly string[] {
    const lines = this.#lastOfLive(count);
    const parts: (readonly string[])[] = [lines];
    let have = lines.length;
    for (const archive of archivesOf(this.path)) {
      if (count !== undefined && have >= count) break;
      const older = unzipped(archive);
      parts.unshift(older);
      have += older.length;
    }
    const all = parts.flat();
    return count === undefined ? all : all.slice(Math.max(0, all.length - count));
  }

  /** A long log is read from near its end, if that is enough. */
  #lastOfLive(count: number | undefined): readonly string[] {
    const from = count === undefined ? 0 : fstatSync(this.#fd).size - (count + 1) * LIKELY_LINE_BYTES;
    if (count === undefined || from <= 0) return this.more();
    this.#position = from;
    const [, ...lines] = this.more(); // the first one is a part of a line
    if (lines.length >= count) return lines;
    [this.#position, this.#rest] = [0, Buffer.alloc(0)];
    return this.more();
  }

  /** What was added since, and to the file that has its name now. */
  more(): string[] {
    const lines = this.#read();
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (now === undefined || now.ino === fstatSync(this.#fd).ino) return lines;
    closeSync(this.#fd);
    this.#fd = openSync(this.path, 'r');
    this.#position = 0;
    return [...lines, ...this.#read()];
  }

  /** What a writer that is gone left without an end. */
  ending(): readonly string[] {
    return this.#rest.length === 0 ? [] : [this.#rest.toString('utf8')];
  }

  /** @returns where it is, for a later tail of the same log. */
  close(): Place {
    const { ino } = fstatSync(this.#fd);
    closeSync(this.#fd);
    return { inode: ino, position: this.#position, rest: this.#rest };
  }

  #read(): string[] {
    if (fstatSync(this.#fd).size < this.#position) this.#position = 0;
    const lines: string[] = [];
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const length = readSync(this.#fd, chunk, 0, CHUNK_BYTES, this.#position);
      if (length === 0) return lines;
      this.#position += length;
      const content = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
      const end = content.lastIndexOf(NEWLINE) + 1;
      if (end > 0) lines.push(...linesOf(content.subarray(0, end)));
      this.#rest = content.subarray(end);
    }
  }
}
