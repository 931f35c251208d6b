/** The last things that happened to a resource, and for each what brought it about. Pure. */
import type { Ref } from '../../resources/ref.ts';
import { type DoneText, sentenceOf } from './entry-sentence.ts';
import type { Entry } from './history-entry.ts';

export interface Told {
  readonly id: number;
  /** Wall clock, ISO 8601. */
  readonly time: string;
  readonly ref: Ref | null;
  readonly sentence: string;
  /** The latest first: the one that was still missing. Each thing is told once in an explanation. */
  readonly because: readonly Told[];
}

export interface Explanation {
  readonly ref: Ref;
  /** Why the resource is as it is at this moment. */
  readonly now: string;
  /** Newest first. Empty: nothing is known, or it was too long ago. */
  readonly deeds: readonly Told[];
}

const MOST_DEEDS = 10;
const DEEPEST = 24;
const MOST_TOLD = 200;

export const deedsOf = (ref: Ref, entries: readonly Entry[], doneText: DoneText): readonly Told[] => {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const told = new Set<number>();

  const tell = (entry: Entry, depth: number): Told => {
    told.add(entry.id);
    const { id, time, because } = entry;
    const causes: Told[] = [];
    for (const cause of [...because].sort((a, b) => b - a)) {
      const earlier = byId.get(cause);
      // A log that was tampered with could name later entries, and go round in circles.
      if (earlier === undefined || cause >= id || told.has(cause)) continue;
      if (depth < DEEPEST && told.size < MOST_TOLD) causes.push(tell(earlier, depth + 1));
    }
    return { id, time, ref: entry.ref ?? null, sentence: sentenceOf(entry, doneText), because: causes };
  };

  const deeds: Told[] = [];
  for (const entry of entries.toReversed()) {
    if (deeds.length === MOST_DEEDS) break;
    if (entry.ref === ref && !told.has(entry.id)) deeds.push(tell(entry, 1));
  }
  return deeds;
};

/** The sentences from a deed to its first cause, following what came last each time. */
export const chainOf = ({ sentence, because }: Told): readonly string[] => [
  sentence,
  ...(because[0] === undefined ? [] : chainOf(because[0])),
];
