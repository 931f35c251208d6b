/**
 * The notes of checkpoint.ts on this device: those that the daemon before this one left, and ours. Nobody waits for the disk
 * until there is something to deliver; where notes cannot be kept, a daemon that is killed may repeat its last lines.
 */
import type { Paths } from '../../resources/paths.ts';
import { DeviceError, type Files } from '../host/host.ts';
import type { LogFiles } from '../host/log-files.ts';
import { type Delivered, deliveredBy, NOTES_FILE, type Notes, openNotes } from '../logging/checkpoint.ts';

export interface DeliveryOptions {
  readonly files: Files;
  readonly logs: LogFiles;
  /** Of the run directory. */
  readonly run: LogFiles;
  readonly paths: Pick<Paths, 'run'>;
  readonly onProblem: (subject: string, message: string) => void;
}

export interface Delivery {
  readonly delivered: Delivered;
  readonly notes: Notes;
}

const MAX_NOTES_BYTES = 1 << 20;
const NOTHING: Delivered = async (_, position) => position;
const NO_NOTES: Notes = { write: async () => undefined, clear: async () => undefined, close: async () => undefined };

export const openDelivery = ({ files, logs, run, paths, onProblem }: DeliveryOptions): Delivery => {
  const allowing = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      onProblem('log notes', `a daemon that is killed may repeat lines of files that it follows: ${error.message}`);
      return otherwise;
    }
  };
  const left = allowing(async () => {
    const text = (await files.read(`${paths.run}/${NOTES_FILE}`, MAX_NOTES_BYTES))?.toString() ?? '';
    return deliveredBy(logs, text);
  }, NOTHING);
  // Ours take the place of those, so not before they are read.
  const notes = left.then(() => allowing(() => openNotes(run), NO_NOTES));
  return {
    delivered: async (identity, position) => (await left)(identity, position),
    notes: {
      write: async (all) => (await notes).write(all),
      clear: async () => (await notes).clear(),
      close: async () => (await notes).close(),
    },
  };
};
