/**
 * Brings entries to the storage, many at a time, and never holds up whoever made them.
 *
 *   entries --(half a second, or at once when it matters)--> one append per ring
 *
 * What the device refuses to take is kept in memory, up to a limit, and tried again with whatever happens next: a full
 * disk is said once, costs no timer, and does not stop anything.
 */

import { type Clock, DeviceError } from '../host/host.ts';
import { inTime } from '../host/in-time.ts';
import { type Entry, inOrder } from './history-entry.ts';
import type { Ring } from './segment-ring.ts';

/**
 * What concerns the whole device is kept apart: a container that ends every minute must not push it out, nor may
 * whoever asks for something from outside.
 */
export const TOPICS = ['resources', 'device', 'access'] as const;
export type Topic = (typeof TOPICS)[number];

export interface JournalOptions {
  readonly clock: Clock;
  readonly rings: Readonly<Record<Topic, Ring>>;
  /** Called before each write: adds what else there is to say by now. True: there may be more a little later. */
  readonly lastWords: () => boolean;
  readonly onProblem: (subject: string, message: string) => void;
}

export interface Journal {
  /** `urgent`: as soon as possible, not with the next batch. */
  add(entry: Entry, topic: Topic, urgent: boolean): void;
  /** Something may be worth an entry if it lasts until the next write. */
  expect(): void;
  /** Resolves when everything so far is written, or refused. */
  flush(): Promise<void>;
  /** Everything known, on the storage or not yet. */
  read(): Promise<readonly Entry[]>;
  /** Nothing is being written, nor will be before something happens. */
  readonly isQuiet: boolean;
}

const BATCH_MS = 500;
const MAX_KEPT = 1_000;
const APPEND_LIMIT_SECONDS = 10;

interface Pending {
  readonly entry: Entry;
  readonly topic: Topic;
}

export const openJournal = ({ clock, rings, lastWords, onProblem }: JournalOptions): Journal => {
  let pending: readonly Pending[] = [];
  let writing: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;
  let isUrgent = false;
  let isExpecting = false;
  let isRefused = false;
  let lost = 0;

  const keep = (entries: readonly Pending[]): void => {
    lost += Math.max(0, entries.length - MAX_KEPT);
    pending = entries.slice(-MAX_KEPT);
  };

  const told = (error: DeviceError): void => {
    if (!isRefused) onProblem('history', `${error.message}; it is kept in memory until it can be written`);
    isRefused = true;
  };
  const recovered = (): void => {
    if (isRefused) onProblem('history', `is written again; ${lost} entries are lost`);
    isRefused = false;
    lost = 0;
  };

  /** Causes first: should the second append fail, what is there has its reasons. */
  const writeOut = async (): Promise<void> => {
    for (const topic of TOPICS) {
      const batch = pending.filter((one) => one.topic === topic);
      if (batch.length === 0) continue;
      const entries = batch.map(({ entry }) => entry);
      await inTime(clock, APPEND_LIMIT_SECONDS, 'append', 'history', () => rings[topic].append(entries));
      const written = new Set(batch);
      pending = pending.filter((one) => !written.has(one));
    }
  };

  const write = async (): Promise<void> => {
    cancelTimer?.();
    cancelTimer = undefined;
    isUrgent = false;
    isExpecting = lastWords();
    try {
      await writeOut();
      recovered();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      told(error);
    }
  };

  const flush = (): Promise<void> => {
    writing ??= write().finally(() => {
      writing = undefined;
      const hasMore = pending.length > 0 && !isRefused;
      if (hasMore && isUrgent) void flush();
      else if (hasMore || isExpecting) arm();
    });
    return writing;
  };
  const arm = (): void => {
    if (writing !== undefined) return;
    cancelTimer ??= clock.schedule(clock.nowMs() + BATCH_MS, () => void flush());
  };

  return {
    add: (entry, topic, urgent) => {
      keep([...pending, { entry, topic }]);
      isUrgent ||= urgent;
      if (urgent) void flush();
      else arm();
    },
    expect: arm,
    flush: async () => {
      await writing;
      if (pending.length > 0) await flush();
    },
    read: async () => {
      const unwritten = pending.map(({ entry }) => entry);
      const written: Entry[] = [];
      for (const topic of TOPICS) written.push(...(await rings[topic].read()));
      return inOrder([...written, ...unwritten]);
    },
    get isQuiet() {
      return writing === undefined && cancelTimer === undefined;
    },
  };
};
