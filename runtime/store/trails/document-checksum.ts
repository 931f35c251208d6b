/**
 * `.pv/sha256`, ours: what a revision's document was when the revision was committed, so that a flipped bit that leaves
 * it valid JSON is found as well. The record has a checksum of its own: a damaged record must not condemn a document.
 */
import { readSideFile } from '../../host/damage.ts';
import type { Files } from '../../host/host.ts';
import { sha256 } from '../objects/hash.ts';

const MAX_BYTES = 256;
const OWN_CHECKSUM_DIGITS = 16;

export interface DocumentChecksum {
  /** What is wrong with the document of a trail; undefined: nothing, or nobody recorded it. */
  damageOf(trail: string, document: Uint8Array): Promise<string | undefined>;
  record(trail: string, document: Uint8Array): Promise<void>;
  forget(trail: string): Promise<void>;
}

const recordOf = (sum: string): string => `${sum} ${sha256(sum).slice(0, OWN_CHECKSUM_DIGITS)}\n`;

export const documentChecksum = (
  files: Files,
  onProblem: (subject: string, message: string) => void,
): DocumentChecksum => {
  const pathOf = (trail: string): string => `${trail}/.pv/sha256`;
  const read = async (path: string): Promise<string | undefined> =>
    (await readSideFile(files, path, MAX_BYTES, onProblem))?.toString('latin1');
  return {
    damageOf: async (trail, document) => {
      const path = pathOf(trail);
      const recorded = await read(path);
      if (recorded === undefined) return undefined;
      const expected = recorded.split(' ')[0] ?? '';
      if (recordOf(expected) !== recorded) {
        onProblem(path, 'is damaged and is passed over');
        return undefined;
      }
      const sum = sha256(document);
      if (sum === expected) return undefined;
      return `its document has changed since it was committed: expected sha256 ${expected}, but saw ${sum}`;
    },
    record: async (trail, document) => {
      const path = pathOf(trail);
      const content = recordOf(sha256(document));
      // Flash: what is already there is not written again.
      if ((await read(path)) === content) return;
      await files.makeDirectory(`${trail}/.pv`, 0o755);
      await files.write(path, content, 0o644);
    },
    forget: (trail) => files.remove(pathOf(trail)),
  };
};
