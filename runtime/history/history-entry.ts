/** One line of the history: something that happened, and which earlier entries brought it about. */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { Action } from '../../resources/action.ts';
import type { Ref } from '../../resources/ref.ts';

const KINDS = [
  /** An action of ours, and how it ended. */
  'done',
  'failed',
  /** Somebody else did something to a resource, or it did so itself. */
  'changed',
  /** Another revision's resources are wanted. */
  'desired',
  /** A resource began to wait, cannot go on, or is as it should be again. */
  'waiting',
  'stalled',
  'settled',
  /** Somebody handed in a revision; an operator wants something of a container or the device. */
  'proposed',
  'asked',
  /** Somebody outside had something done, or was refused to. */
  'accessed',
  /** The daemon. */
  'started',
  'stopped',
] as const;

const Entry = z.object({
  /** Grows by time, over restarts and boots. An action has that of its beginning. */
  id: z.int().positive(),
  /** Tells one boot from another: `atMs` of two boots cannot be compared. See bootOf(). */
  boot: z.string(),
  /** Monotonic, when it was over. */
  atMs: z.number(),
  /** Wall clock of the same moment, ISO 8601: to be shown, not to be trusted. */
  time: z.string(),
  kind: z.enum(KINDS),
  /** The revision the device was to be. */
  revision: z.string().optional(),
  ref: z.custom<Ref>((value) => typeof value === 'string' && value.includes('/')).optional(),
  action: z.custom<Action['type']>((value) => typeof value === 'string' && value.includes('.')).optional(),
  /** The revision it is about. */
  about: z.string().optional(),
  /** Who proposed or asked. */
  from: z.string().optional(),
  reason: z.string(),
  /** Of a refusal: the device's; of a rollback: ERROR, CANCELLED; of an access: the status of the answer. */
  code: z.string().optional(),
  durationMs: z.number().optional(),
  /** Ids of earlier entries, newest first. Some of them may have been dropped since. */
  because: z.array(z.int()).readonly(),
});
export type Entry = Readonly<z.output<typeof Entry>>;

/** Reasons quote documents and logs; the beginning says what it is about. */
const LONGEST_REASON = 500;

const clipped = (reason: string): string =>
  reason.length <= LONGEST_REASON ? reason : `${reason.slice(0, LONGEST_REASON)}…`;

/** Of all of the boot's id: in appengine mode the boots of one machine differ in its last characters only. */
export const bootOf = (bootId: string): string => checksum(bootId);

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** `<crc32> <json>\n`. */
export const lineOf = (entry: Entry): string => {
  const json = JSON.stringify({ ...entry, reason: clipped(entry.reason) });
  return `${checksum(json)} ${json}\n`;
};

/** undefined: torn, corrupt, or of a later version. */
const entryIn = (line: string): Entry | undefined => {
  const json = line.slice(9);
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(json)) return undefined;
  // What carries the right checksum was written by us and is JSON.
  return Entry.safeParse(JSON.parse(json)).data;
};

/** Every sound line; what a power cut or a bad disk left of others is passed over. */
export const entriesIn = (text: string): readonly Entry[] => text.split('\n').flatMap((line) => entryIn(line) ?? []);

/** In the order they happened, each once. */
export const inOrder = (entries: readonly Entry[]): readonly Entry[] =>
  [...new Map(entries.map((entry) => [entry.id, entry])).values()].sort((a, b) => a.id - b.id);
