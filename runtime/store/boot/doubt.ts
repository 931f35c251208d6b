/**
 * Whether it can be told which revisions are needed. While it cannot, nothing is collected: what a damaged document
 * names, or what a lost boot variable meant, would be gone for good.
 *
 * Boot variables that had to be recovered stay in doubt over restarts (`boot/recovered` says why) until the next commit
 * settles which revision counts, or until somebody removes that file.
 */
import { readSideFile, unlessDamaged } from '../../host/damage.ts';
import type { Files } from '../../host/host.ts';
import type { BootRevisions } from './boot-revisions.ts';

export interface Doubt {
  /** `pv_rev` had to be taken from elsewhere. */
  raise(revision: string, reason: string): Promise<void>;
  /** undefined: everything that counts can be read. */
  reason(
    damageOf: (revision: string) => Promise<string | undefined>,
    booted: BootRevisions,
  ): Promise<string | undefined>;
  /** A revision was committed. */
  end(): Promise<void>;
}

const MAX_BYTES = 4096;

export const openDoubt = (
  files: Files,
  directory: string,
  onProblem: (subject: string, message: string) => void,
): Doubt => {
  const path = `${directory}/recovered`;
  return {
    raise: async (revision, reason) => {
      const text = `${reason}; ${revision} was taken from what the storage shows\n`;
      await unlessDamaged(path, onProblem, () => files.write(path, text, 0o644));
    },
    reason: async (damageOf, { committed, trying }) => {
      const stat = await unlessDamaged(path, onProblem, () => files.stat(path));
      if (stat !== undefined) {
        const text = (await readSideFile(files, path, MAX_BYTES, onProblem))?.toString().trim() ?? '';
        return `the boot variables had to be recovered (${path}: ${text}); a commit, or removing that file, ends this`;
      }
      for (const revision of [committed, trying]) {
        const damage = revision === undefined ? undefined : await damageOf(revision);
        if (damage !== undefined) return damage;
      }
      return undefined;
    },
    end: async () => {
      await unlessDamaged(path, onProblem, () => files.remove(path));
    },
  };
};
