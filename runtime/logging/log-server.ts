/**
 * The log server: takes records from wherever they come and has the outputs write them.
 *
 * In: records of known origin (attribution.ts). Out: batches to the sinks, in the order of each platform. Nobody waits
 * for a disk here: records wait in bounded queues, a source that can wait is asked to, and what does not fit is lost,
 * counted, and told once per burst.
 * Must never throw over a record, nor be busy when there is none.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../host/host.ts';
import type { LogRecord, Now } from './log-record.ts';
import type { LogSink } from './log-sink.ts';
import type { LogOutput } from './outputs.ts';
import { type LogCount, LogQueues } from './queues.ts';

export interface LogServer {
  /** Time stamps for a record that was received now. */
  now(): Now;
  /** False: the platform's queue is full now, so who can wait should, until `whenRoom`. A record without room is lost. */
  take(record: LogRecord): boolean;
  /** Calls back once when there is room again; at once if there is. */
  whenRoom(platform: string, callback: () => void): void;
  /** What is written from now on belongs to this revision. */
  transition(revision: string): void;
  counts(): readonly LogCount[];
  /** Writes what waits, and ends. */
  stop(): Promise<void>;
}

export interface LogServerOptions {
  readonly sinks: readonly LogSink[];
  /** Asked at every batch: which of the sinks get what. */
  readonly outputs: () => readonly LogOutput[];
  readonly now: () => Now;
  readonly clock: Pick<Clock, 'nowMs' | 'schedule'>;
  /** Records of a platform were lost because it logs faster than can be written. */
  readonly onLoss: (platform: string, records: number) => void;
  readonly onBug: (error: unknown) => void;
}

const BATCH_BYTES = 256 << 10;
/** Losses are told together after so long, and then again if there are more. */
const BURST_MS = 5_000;

export const startLogServer = (options: LogServerOptions): LogServer => {
  const { sinks, outputs, now, clock, onLoss, onBug } = options;
  const queues = new LogQueues();
  let revision: string | undefined;
  let working: Promise<void> | undefined;
  let burst: (() => void) | undefined;

  const tellLosses = (): void => {
    burst = undefined;
    for (const { platform, lost } of queues.losses()) onLoss(platform, lost);
  };

  const write = async (batch: readonly LogRecord[]): Promise<void> => {
    const chosen = outputs();
    const written = chosen.map(async ({ sink, accepts }) => {
      const records = batch.filter(accepts);
      if (records.length > 0) await sink.write(records);
    });
    await Promise.all(written);
    // Where it was read from must go on even if nobody wants it.
    const isKept = (record: LogRecord): boolean => chosen.some(({ commits, accepts }) => commits && accepts(record));
    for (const record of batch) if (record.receipt !== undefined && !isKept(record)) await record.receipt.commit();
  };

  const work = async (): Promise<void> => {
    // Whatever else comes in this turn of the event loop goes with it.
    await nextTurn();
    while (!queues.isEmpty || revision !== undefined) {
      const next = revision;
      revision = undefined;
      if (next !== undefined) await Promise.all(sinks.map(async (sink) => sink.transition(next)));
      const batch = queues.take(BATCH_BYTES);
      if (batch.length > 0) await write(batch);
      await nextTurn();
    }
  };

  const start = (): void => {
    working ??= work()
      .catch(onBug)
      .finally(() => {
        working = undefined;
        if (!queues.isEmpty) start();
      });
  };

  return {
    now,
    take: (record) => {
      const isTaken = queues.put(record);
      if (!isTaken) burst ??= clock.schedule(clock.nowMs() + BURST_MS, tellLosses);
      start();
      return isTaken && !queues.isFull(record.platform);
    },
    whenRoom: (platform, callback) => queues.whenRoom(platform, callback),
    transition: (next) => {
      revision = next;
      start();
    },
    counts: () => queues.counts(),
    stop: async () => {
      while (working !== undefined) await working;
      burst?.();
      tellLosses();
      await Promise.all(sinks.map((sink) => sink.stop()));
    },
  };
};
