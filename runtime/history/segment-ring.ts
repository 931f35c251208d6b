/**
 * A bounded series of segment files, `<name>-<number>.log`: lines are added to the newest, and the oldest goes when all
 * together would be too large.
 */
import { DeviceError, type Files } from '../host/host.ts';
import { type Entry, entriesIn, lineOf } from './history-entry.ts';

export interface RingOptions {
  readonly files: Files;
  readonly directory: string;
  readonly name: string;
  readonly maxBytes: number;
  readonly onProblem: (subject: string, message: string) => void;
}

export interface Ring {
  /** Durable when it resolves. @throws DeviceError; some of them may have been written. */
  append(entries: readonly Entry[]): Promise<void>;
  /** Oldest first, of the newest segments or of all. What cannot be read is reported and left out. */
  read(segments?: number): Promise<readonly Entry[]>;
}

interface Segment {
  readonly number: number;
  sizeBytes: number;
}

/** Dropping one forgets this part of the past. */
const SEGMENTS = 8;

export const openRing = ({ files, directory, name, maxBytes, onProblem }: RingOptions): Ring => {
  const segmentBytes = Math.floor(maxBytes / SEGMENTS);
  /** undefined: not known, or in doubt after a refusal. */
  let segments: Segment[] | undefined;
  /** The last line of the newest segment may be torn: the next one must not be glued to it. */
  let isTorn = true;

  const pathOf = ({ number }: Segment): string => `${directory}/${name}-${String(number).padStart(8, '0')}.log`;
  const find = async (): Promise<Segment[]> => {
    const pattern = new RegExp(`^${name}-(\\d{8})\\.log$`);
    const numbers = ((await files.list(directory)) ?? []).flatMap((file) => pattern.exec(file)?.[1] ?? []);
    const found = numbers.map((number) => ({ number: Number(number), sizeBytes: 0 }));
    for (const segment of found) segment.sizeBytes = (await files.stat(pathOf(segment)))?.sizeBytes ?? 0;
    return found;
  };

  const reporting = async <T>(path: string, work: () => Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      onProblem(path, `${error.message}; what it tells of the past is left out`);
      return [];
    }
  };
  const readSegment = async (segment: Segment): Promise<readonly Entry[]> =>
    entriesIn((await files.read(pathOf(segment), 2 * maxBytes))?.toString() ?? '');

  const addTo = async (segment: Segment, lines: string): Promise<void> => {
    const text = isTorn && segment.sizeBytes > 0 ? `\n${lines}` : lines;
    await files.append(pathOf(segment), text, 0o600);
    segment.sizeBytes += Buffer.byteLength(text);
    isTorn = false;
  };

  const makeRoom = async (known: Segment[], neededBytes: number): Promise<void> => {
    let usedBytes = known.reduce((sum, { sizeBytes }) => sum + sizeBytes, neededBytes);
    for (let oldest = known[0]; oldest !== undefined && usedBytes > maxBytes; oldest = known[0]) {
      await files.remove(pathOf(oldest));
      usedBytes -= oldest.sizeBytes;
      known.shift();
    }
  };

  const add = async (known: Segment[], lines: string): Promise<void> => {
    const sizeBytes = Buffer.byteLength(lines) + 1;
    const newest = known.at(-1);
    const next = (newest?.number ?? 0) + 1;
    await makeRoom(known, sizeBytes);
    if (newest !== undefined && known.includes(newest) && newest.sizeBytes + sizeBytes <= segmentBytes) {
      return addTo(newest, lines);
    }
    const fresh = { number: next, sizeBytes: 0 };
    await addTo(fresh, lines);
    known.push(fresh);
  };

  return {
    append: async (entries) => {
      try {
        if (segments === undefined) await files.makeDirectory(directory, 0o700);
        segments ??= await find();
        for (const lines of inPortions(entries, segmentBytes)) await add(segments, lines);
      } catch (error) {
        segments = undefined;
        isTorn = true;
        throw error;
      }
    },
    read: async (newest) => {
      const found = await reporting(directory, find);
      const read: Entry[] = [];
      // One after the other: the event loop has its turn in between.
      for (const segment of newest === undefined ? found : found.slice(-newest)) {
        read.push(...(await reporting(pathOf(segment), () => readSegment(segment))));
      }
      return read;
    },
  };
};

/** Lines of at most a segment's size, in order. */
const inPortions = (entries: readonly Entry[], maxBytes: number): readonly string[] => {
  const portions: string[] = [];
  let portion = '';
  for (const entry of entries) {
    const line = lineOf(entry);
    if (portion !== '' && Buffer.byteLength(portion) + Buffer.byteLength(line) >= maxBytes) {
      portions.push(portion);
      portion = '';
    }
    portion += line;
  }
  return portion === '' ? portions : [...portions, portion];
};
