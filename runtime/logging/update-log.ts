/**
 * What an update tells its owner: lines of level ERROR and FATAL from its trial on,
 * as JSON, in `trails/<revision>/.pv/logs.tmp`, which becomes `logs` at its end and goes into its progress.
 *
 * The first 4096 bytes are kept: what came first is mostly the cause. Pantavisor keeps all, and then shows none of it.
 */
import { DeviceError, type Files } from '../host/host.ts';
import { jsonRecord } from './log-lines.ts';
import type { LogSink } from './log-sink.ts';

export const MAX_UPDATE_LOG_BYTES = 4096;

export interface UpdateLog extends LogSink {
  /** From now on, or on again after a restart: lines belong to this update. */
  begin(revision: string): Promise<void>;
  /** @returns what was written, now under its final name; undefined: nothing, or no update. */
  end(): Promise<string | undefined>;
  /** As `end`, of an update that an earlier daemon did not end. */
  finish(revision: string): Promise<string | undefined>;
}

export interface UpdateLogOptions {
  readonly files: Files;
  readonly trailOf: (revision: string) => string;
  readonly onProblem: (subject: string, message: string) => void;
}

export const openUpdateLog = ({ files, trailOf, onProblem }: UpdateLogOptions): UpdateLog => {
  let current: { readonly revision: string; bytes: number } | undefined;
  let isTold = false;
  const unfinished = (revision: string): string => `${trailOf(revision)}/.pv/logs.tmp`;

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
      if ((await files.stat(path))?.type !== 'file') return undefined;
      const final = `${trailOf(revision)}/.pv/logs`;
      await files.rename(path, final);
      const text = (await files.read(final, 2 * MAX_UPDATE_LOG_BYTES))?.toString('utf8');
      return text === '' ? undefined : text;
    });

  return {
    begin: async (revision) => {
      if (current?.revision === revision) return;
      isTold = false;
      const bytes = await allowing(async () => (await files.stat(unfinished(revision)))?.sizeBytes ?? 0);
      current = { revision, bytes: bytes ?? 0 };
    },
    end: async () => {
      const ended = current?.revision;
      current = undefined;
      return ended === undefined ? undefined : finish(ended);
    },
    finish,
    write: async (records) => {
      if (current === undefined) return;
      let text = '';
      for (const line of records.map(jsonRecord)) {
        if (current.bytes + Buffer.byteLength(text) + Buffer.byteLength(line) > MAX_UPDATE_LOG_BYTES) break;
        text += line;
      }
      if (text === '') return;
      const { revision } = current;
      current.bytes += Buffer.byteLength(text);
      await allowing(() => files.append(unfinished(revision), text, 0o644));
    },
    transition: () => undefined,
    stop: async () => undefined,
  };
};
