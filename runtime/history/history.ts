/**
 * The history: what happened to this device and why, also before the last restart, boot or power cut.
 *
 * In: every fact of the loop, and what reaches the device from outside (proposals, operators, the daemon's own start).
 * Out: a bounded log of entries below `<storage>/cache/history`, each naming its causes; what was last done to a
 * resource, as a chain; what became of every revision.
 * It must never decide anything, hold up or fail the loop, or write while nothing happens. A crash may cost the last
 * half second, but no outcome of a revision: those are written at once, and a start compares with the storage.
 */
import type { Observable, Subscription } from 'rxjs';
import { UPDATE, type UpdateSpec, type UpdateStatus } from '../../resources/kinds/update.ts';
import type { Ref } from '../../resources/ref.ts';
import type { Reduction } from '../engine/event.ts';
import type { Clock, Files } from '../host/host.ts';
import { Causes } from './causes.ts';
import type { DoneText } from './entry-sentence.ts';
import { deedsOf, type Told } from './explanation.ts';
import { bootOf, type Entry } from './history-entry.ts';
import { openJournal, TOPICS, type Topic } from './journal.ts';
import { missedOutcomes } from './missed-outcomes.ts';
import { type ChangeOf, type Note, Recorder } from './recorder.ts';
import { type RevisionRecord, revisionRecords } from './revision-record.ts';
import { openRing, type Ring } from './segment-ring.ts';

export interface HistoryOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly bootId: string;
  /** `<storage>/cache/history`; created when missing. */
  readonly directory: string;
  /** Of all files together; default 2 MiB. */
  readonly maxBytes?: number;
  readonly changeOf: ChangeOf;
  readonly doneText: DoneText;
  readonly onProblem: (subject: string, message: string) => void;
}

export interface Access {
  readonly from: string;
  readonly what: string;
  /** Of the answer. */
  readonly status: number;
}

export interface History {
  /** Before the first fact is told. */
  follow(reductions: Observable<Reduction>): Subscription;
  proposed(proposal: UpdateSpec, from: string): void;
  /** An operator wants something of a container, or a reboot of the device. */
  asked(ref: Ref<'container' | 'update'>, action: string, from: string): void;
  /** The daemon is about to end. */
  stopping(why: string): void;
  /** So is the boot, by what the update does now. */
  rebooting(why: string): void;
  /** Somebody outside had something done, or was refused to. */
  accessed(access: Access): void;
  /** What was told so, oldest first. */
  accesses(): Promise<readonly Entry[]>;
  /** The last things that happened to a resource, newest first. */
  deedsOf(ref: Ref): Promise<readonly Told[]>;
  /** Newest first. */
  revisions(): Promise<readonly RevisionRecord[]>;
  /** Everything, oldest first. */
  entries(): Promise<readonly Entry[]>;
  /** Resolves when everything so far is written, or refused. */
  flush(): Promise<void>;
  /** Nothing is being written, nor will be before something happens. */
  readonly isQuiet: boolean;
}

export const HISTORY_MAX_BYTES = 2 << 20;
/** What concerns the whole device is little, and worth keeping longer. */
const DEVICE_SHARE = 0.25;
const ACCESS_SHARE = 0.125;
/** A start looks at no more than this of each ring: enough to go on from. */
const RECENT_SEGMENTS = 2;

type RingPlace = Pick<HistoryOptions, 'files' | 'directory' | 'maxBytes' | 'onProblem'>;

const ringsIn = ({ maxBytes = HISTORY_MAX_BYTES, ...place }: RingPlace): { readonly [T in Topic]: Ring } => ({
  device: openRing({ ...place, name: 'device', maxBytes: maxBytes * DEVICE_SHARE }),
  resources: openRing({ ...place, name: 'resources', maxBytes: maxBytes * (1 - DEVICE_SHARE - ACCESS_SHARE) }),
  access: openRing({ ...place, name: 'access', maxBytes: maxBytes * ACCESS_SHARE }),
});

/** The history of a device whose daemon may not even run. */
export const readHistory = async (place: RingPlace): Promise<readonly RevisionRecord[]> =>
  revisionRecords(await ringsIn(place).device.read());

export const openHistory = async (options: HistoryOptions): Promise<History> => {
  const { clock, changeOf, onProblem } = options;
  const boot = bootOf(options.bootId);
  const rings = ringsIn(options);
  const recent: Entry[] = [];
  for (const topic of TOPICS) recent.push(...(await rings[topic].read(RECENT_SEGMENTS)));
  recent.sort((a, b) => a.id - b.id);

  let lastId = recent.at(-1)?.id ?? 0;
  const nextId = (): number => {
    lastId += 1;
    return lastId;
  };
  const note = ({ id = nextId(), atMs = clock.nowMs(), ...rest }: Note): number => {
    const { revision } = recorder;
    const entry: Entry = {
      id,
      boot,
      atMs: Math.round(atMs),
      time: timeOf(clock, atMs),
      ...(revision === undefined ? {} : { revision }),
      ...rest,
    };
    journal.add(entry, topicOf(entry), isOutcome(entry));
    return id;
  };

  const causes = recalled(recent, boot);
  const known = new Set(recent.flatMap((entry) => (entry.boot === boot ? [momentOf(entry.ref, entry.atMs)] : [])));
  const recorder = new Recorder({
    causes,
    changeOf,
    nowMs: () => clock.nowMs(),
    nextId,
    note,
    expect: () => journal.expect(),
    isKnown: (ref, atMs) => known.has(momentOf(ref, Math.round(atMs))),
  });
  const journal = openJournal({ clock, rings, lastWords: () => recorder.tellWaits(), onProblem });
  causes.daemon(note({ kind: 'started', ...whyStarted(recent, boot) }));

  const compare = (status: UpdateStatus): void => {
    for (const outcome of missedOutcomes(recent, status)) causes.changed(UPDATE, note(outcome));
  };

  return {
    follow: (reductions) =>
      reductions.subscribe((reduction) => {
        const { event, before } = reduction;
        recorder.take(reduction);
        const isFirst =
          event.type === 'resource.observed' && event.ref === UPDATE && before.observed[UPDATE] === undefined;
        if (isFirst && event.status !== undefined) compare(event.status as UpdateStatus); // of this ref
      }),
    proposed: ({ revision }, from) =>
      causes.wanted(UPDATE, note({ kind: 'proposed', about: revision, from, reason: '', because: [] })),
    asked: (ref, action, from) => causes.wanted(ref, note({ kind: 'asked', ref, from, reason: action, because: [] })),
    stopping: (why) => causes.daemon(note({ kind: 'stopped', reason: why, because: [] })),
    rebooting: (why) => {
      const reason = `the device boots anew: ${why}`;
      causes.daemon(note({ kind: 'stopped', reason, because: recorder.becauseOf(UPDATE) }));
    },
    accessed: ({ from, what, status }) =>
      void note({ kind: 'accessed', from, reason: what, code: String(status), because: [] }),
    accesses: async () => (await journal.read()).filter(({ kind }) => kind === 'accessed'),
    deedsOf: async (ref) => deedsOf(ref, await journal.read(), options.doneText),
    revisions: async () => revisionRecords(await journal.read()),
    entries: () => journal.read(),
    flush: () => journal.flush(),
    get isQuiet() {
      return journal.isQuiet;
    },
  };
};

/** Wall clock at a moment of the monotonic one. */
const timeOf = ({ nowMs, wallTime }: Clock, atMs: number): string =>
  new Date(wallTime().getTime() - Math.max(0, nowMs() - atMs)).toISOString();

const topicOf = ({ kind, ref }: Entry): Topic => {
  if (kind === 'accessed') return 'access';
  return ref === UPDATE || ['desired', 'proposed', 'started', 'stopped'].includes(kind) ? 'device' : 'resources';
};

const isOutcome = ({ kind, about }: Entry): boolean => about !== undefined && ['done', 'proposed'].includes(kind);

const momentOf = (ref: Ref | undefined, atMs: number): string => `${ref} ${atMs}`;

/** What earlier daemons did, as far as it still stands: after a boot nothing does but the update. */
const recalled = (recent: readonly Entry[], boot: string): Causes => {
  const causes = new Causes();
  for (const { id, kind, ref, boot: itsBoot } of recent) {
    if (ref === undefined || kind === 'waiting' || (itsBoot !== boot && ref !== UPDATE)) continue;
    if (kind === 'asked') causes.wanted(ref, id);
    else causes.changed(ref, id);
  }
  return causes;
};

/** A start follows from an end that was told. */
const whyStarted = (recent: readonly Entry[], boot: string): Pick<Entry, 'reason' | 'because'> => {
  const before = recent.findLast(({ kind }) => kind === 'started' || kind === 'stopped');
  if (before === undefined) return { reason: 'for the first time', because: [] };
  const how = recent.at(-1)?.boot === boot ? 'again' : 'the device was booted';
  return before.kind === 'stopped'
    ? { reason: how, because: [before.id] }
    : { reason: `${how}; the one before ended without a word`, because: [] };
};
