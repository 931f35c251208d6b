/** Reads documents that need not be states of a device: what the watched directory knows of one. */
import { readDocument } from '../../../../resources/state-format/state.ts';
import { STATE_LIMITS } from '../../../../resources/state-format/state-limits.ts';
import { objectsOf } from '../../../../resources/state-format/trail.ts';
import type { Read } from '../../../../runtime/sources/directory/examine-drop.ts';
import { sha256 } from '../../../../runtime/store/objects/hash.ts';

export const readBare: Read = async (bytes) => {
  const { document, problems, isComplete } = readDocument(bytes, sha256, STATE_LIMITS);
  const messages = problems.map(({ message }) => message);
  // Stands for what a device finds wrong with a document that is good as such.
  if (document.entries.has('bad.json')) messages.push('bad.json is there, expected no such key');
  return messages.length === 0
    ? { ok: true, hash: document.hash, objects: objectsOf(document) }
    : { ok: false, problems: messages, isComplete };
};
