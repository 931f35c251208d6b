/**
 * Lines that were read from a file (a console, a syslog inside a container), and how they get to where they belong once
 * and only once, though the daemon may be killed at any moment.
 *
 * What is about to be appended is noted first, in a file of the run directory: which bytes of which file go to where in
 * which log. Then it is appended, then the position in the file that it came from moves on, then the note goes. A daemon
 * that finds a note holds it against the log: whole, and the lines were delivered; cut off, and what is there of them is
 * taken away and they are read again. All this holds between two daemons; a power cut may lose or repeat the last lines.
 */
import type { LogFile, LogFiles } from '../host/log-files.ts';

/** Of a record: which bytes of which file it is. */
export interface Receipt {
  /** `<device>:<inode>` of the file it was read from. */
  readonly identity: string;
  readonly from: number;
  readonly to: number;
  /** Everything before `to` is where it belongs. Must not throw. */
  commit(): Promise<void>;
}

export interface Note {
  /** The log, and where in it. */
  readonly path: string;
  readonly file: string;
  readonly at: number;
  readonly length: number;
  /** The file that is followed, and what of it. */
  readonly source: string;
  readonly from: number;
  readonly to: number;
}

/** A note, if the position in this file is still the one of before. @returns where to go on. */
export type Delivered = (identity: string, position: number) => Promise<number>;

export interface Notes {
  write(notes: readonly Note[]): Promise<void>;
  clear(): Promise<void>;
  close(): Promise<void>;
}

export const NOTES_FILE = 'log-notes';

const isNote = (value: unknown): value is Note =>
  typeof value === 'object' &&
  value !== null &&
  ['path', 'file', 'source'].every((key) => typeof Reflect.get(value, key) === 'string') &&
  ['at', 'length', 'from', 'to'].every((key) => Number.isSafeInteger(Reflect.get(value, key)));

/** What was cut off while it was written says that nothing was appended yet. */
export const notesIn = (text: string): readonly Note[] => {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter(isNote) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
};

/** A log that is not there any more, or is another file by now, was whole before it was rotated. */
const isWhole = async (logs: LogFiles, { path, file, at, length }: Note): Promise<boolean> => {
  const found = await logs.identity(path);
  if (found?.identity !== file || found.sizeBytes >= at + length) return true;
  const log = await logs.open(path);
  try {
    if (log.identity === file && log.sizeBytes > at) await log.truncate(at);
  } finally {
    await log.close();
  }
  return false;
};

/** @param text of the notes that the daemon before this one left. @throws DeviceError */
export const deliveredBy = async (logs: LogFiles, text: string): Promise<Delivered> => {
  const delivered = new Map<string, number>();
  for (const note of notesIn(text))
    if (await isWhole(logs, note)) delivered.set(`${note.source} ${note.from}`, note.to);
  return async (identity, position) => {
    const to = delivered.get(`${identity} ${position}`);
    delivered.delete(`${identity} ${position}`); // the inode may be given to another file
    return to ?? position;
  };
};

/** @param run the files of the run directory. @throws DeviceError */
export const openNotes = async (run: LogFiles): Promise<Notes> => {
  const file: LogFile = await run.open(NOTES_FILE);
  await file.truncate(0);
  return {
    write: async (notes) => {
      await file.append([Buffer.from(JSON.stringify(notes))]);
    },
    clear: () => file.truncate(0),
    close: file.close,
  };
};
