/**
 * Where records go: one sink per output.
 *
 * Whoever writes to a sink waits for it, so at most one `write` is on its way at a time, and what comes meanwhile waits
 * in the queues of its senders, which are bounded (a sender that fills its own loses its own). A sink needs no queue.
 * It is only given what `PV_LOG_LEVEL` lets through.
 */
import type { LogRecord } from './log-record.ts';

export interface LogSink {
  /**
   * Takes a batch: mixed platforms and sources, those of one source in their order; at most 256 KiB of data and one
   * more record. Resolves when it is where it belongs. A disk that says no is the sink's to tell, once, not to throw.
   */
  write(records: readonly LogRecord[]): void | Promise<void>;
  /** Further records belong to this revision (`<logs>/<rev>/…`). Never called while a `write` is on its way. */
  transition(revision: string): void | Promise<void>;
  /** After the last `write`; whatever is still held back is written. */
  stop(): Promise<void>;
}
