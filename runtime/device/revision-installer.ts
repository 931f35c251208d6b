/** Revisions that clients install: judged before anything is written, and not run. */
import { type Paths, trailPath } from '../../resources/paths.ts';
import type { StepsPort } from '../api/step-endpoints.ts';
import { DeviceError, type Files } from '../host/host.ts';
import { Rejection } from '../store/rejection.ts';
import type { Store } from '../store/store.ts';
import type { Revisions } from './revisions.ts';

export interface InstallingOptions {
  readonly store: Pick<Store, 'document' | 'propose'>;
  readonly files: Pick<Files, 'makeDirectory' | 'write'>;
  readonly paths: Paths;
  /** The revision whose resources are desired now. */
  readonly running: () => string | undefined;
  readonly read: Revisions['read'];
  /** Told every problem of a document that was refused. */
  readonly onProblem: (subject: string, message: string) => void;
}

const OUTCOMES = { signature: 'bad signature', coverage: 'not covered' } as const;
const NO_ROOM: readonly string[] = ['ENOSPC', 'EDQUOT'];

export const installing = (options: InstallingOptions): StepsPort => {
  const { store, files, paths, running, read, onProblem } = options;

  return {
    running,
    document: store.document,
    install: async (revision, bytes) => {
      if (bytes.length === 0) return 'unreadable';
      const found = await read(bytes, revision);
      if (!found.ok) {
        onProblem(revision, `not installed: ${found.problems.join('\n')}`);
        return found.untrusted === undefined ? 'bad format' : OUTCOMES[found.untrusted];
      }
      try {
        await store.propose(revision, bytes);
        return 'installed';
      } catch (error) {
        if (error instanceof DeviceError && NO_ROOM.includes(error.code)) return 'no room';
        // The name and the size are good: what is left is other content for a revision that is needed as it is.
        if (!(error instanceof Rejection)) throw error;
        onProblem(revision, `not installed: ${error.message}`);
        return 'in use';
      }
    },
    setCommitMessage: async (revision, message) => {
      if ((await store.document(revision)) === undefined) return false;
      const records = `${trailPath(paths, revision)}/.pv`;
      await files.makeDirectory(records, 0o755);
      await files.write(`${records}/commitmsg`, message, 0o644);
      return true;
    },
  };
};
