/**
 * The log of an update, for its owner: lines of level ERROR and FATAL from the start of its trial on, and the last lines
 * that a container printed before it crashed. As JSON in `trails/<revision>/.pv/logs.tmp`, which becomes `logs` at its
 * end and goes into its progress.
 *
 * At most 4096 bytes, and those that came first: they are mostly the cause. Of these, 1024 are kept free for containers
 * that crash. Pantavisor keeps all, and then shows none of it.
 */
import { DeviceError, type Files } from '../host/host.ts';
import { jsonRecord, linesOf } from './log-lines.ts';
import { isConsole, type LogRecord } from './log-record.ts';
import type { LogSink } from './log-sink.ts';

export const MAX_UPDATE_LOG_BYTES = 4096;
/** Of one crash, and kept free of anything else. */
const MAX_CRASH_BYTES = 1024;
/** What is remembered of a console, in case its container crashes. */
const MAX_TAIL_BYTES = 2048;
const MAX_TAILS = 64;

export interface UpdateLog extends LogSink {
  /** From now on, or on again after a restart: lines belong to this update. */
  begin(revision: string): Promise<void>;
  /** A container of this update crashed: its last lines become part of the log. */
  crashed(container: string): Promise<void>;
  /** @returns what was written, now under its final name; undefined: nothing, or no update. */
  end(): Promise<string | undefined>;
  /** As `end`, of an update that an earlier daemon did not end, or whose log it only renamed. */
  finish(revision: string): Promise<string | undefined>;
}

export interface UpdateLogOptions {
  readonly files: Files;
  readonly trailOf: (revision: string) => string;
  readonly onProblem: (subject: string, message: string) => void;
}

/** As many of the last lines as fit, oldest first. */
const lastLines = (record: LogRecord, maxBytes: number): readonly string[] => {
  const lines: string[] = [];
  let bytes = 0;
  for (const data of linesOf(record.data).toReversed()) {
    const line = jsonRecord({ ...record, data });
    bytes += Buffer.byteLength(line);
    if (bytes > maxBytes) break;
    lines.unshift(line);
  }
  return lines;
};

export const openUpdateLog = ({ files, trailOf, onProblem }: UpdateLogOptions): UpdateLog => {
  let current: { readonly revision: string; bytes: number } | undefined;
  let isTold = false;
  /** By container: the end of its console, as it came. */
  const tails = new Map<string, LogRecord>();
  const unfinished = (revision: string): string => `${trailOf(revision)}/.pv/logs.tmp`;
  const finished = (revision: string): string => `${trailOf(revision)}/.pv/logs`;

  const allowing = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (!isTold) onProblem('logs of the update', error.message);
      isTold = true;
      return undefined;
    }
  };

  const finish = (revision: string): Promise<string | undefined> =>
    allowing(async () => {
      const path = unfinished(revision);
      const final = finished(revision);
      if ((await files.stat(path))?.type === 'file') await files.rename(path, final);
      // A daemon that ended after the rename has not put it into the progress.
      if ((await files.stat(final))?.type !== 'file') return undefined;
      const text = (await files.read(final, 2 * MAX_UPDATE_LOG_BYTES))?.toString('utf8');
      return text === '' ? undefined : text;
    });

  const append = async (lines: readonly string[], maxBytes: number): Promise<void> => {
    if (current === undefined) return;
    let text = '';
    for (const line of lines) {
      if (current.bytes + Buffer.byteLength(text) + Buffer.byteLength(line) > maxBytes) break;
      text += line;
    }
    if (text === '') return;
    const { revision } = current;
    current.bytes += Buffer.byteLength(text);
    await allowing(() => files.append(unfinished(revision), text, 0o644));
  };

  /** Only of the update: a container of the revision before it may have the same name. */
  const remember = (record: LogRecord): void => {
    if (record.revision !== current?.revision) return;
    const before = tails.get(record.platform)?.data ?? Buffer.alloc(0);
    if (tails.size >= MAX_TAILS && !tails.has(record.platform)) return;
    const data = Buffer.concat([before, record.data]);
    tails.set(record.platform, {
      ...record,
      data: Buffer.from(data.subarray(Math.max(0, data.length - MAX_TAIL_BYTES))),
    });
  };

  return {
    begin: async (revision) => {
      if (current?.revision === revision) return;
      isTold = false;
      tails.clear();
      // Of an earlier trial of the same revision.
      await allowing(() => files.remove(finished(revision)));
      const bytes = await allowing(async () => (await files.stat(unfinished(revision)))?.sizeBytes ?? 0);
      current = { revision, bytes: bytes ?? 0 };
    },
    end: async () => {
      const ended = current?.revision;
      current = undefined;
      return ended === undefined ? undefined : finish(ended);
    },
    finish,
    crashed: async (container) => {
      const tail = tails.get(container);
      tails.delete(container);
      if (tail !== undefined) await append(lastLines(tail, MAX_CRASH_BYTES), MAX_UPDATE_LOG_BYTES);
    },
    write: async (records) => {
      if (current === undefined) return;
      for (const record of records) if (isConsole(record)) remember(record);
      const errors = records.filter((record) => !isConsole(record));
      await append(errors.map(jsonRecord), MAX_UPDATE_LOG_BYTES - MAX_CRASH_BYTES);
    },
    transition: () => undefined,
    stop: async () => undefined,
  };
};
