/** What a transaction starts from: what runs, nothing, or a state on this machine. */
import { resolve } from 'node:path';
import { STATE_SPEC } from '../../resources/state-format/state.ts';
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import type { Files } from '../host/host.ts';
import { EXIT, TransactionError } from './transaction-error.ts';

/** The state that nothing is in yet. */
const EMPTY_STATE = `{"#spec":"${STATE_SPEC}"}`;

const IN_DIRECTORY = ['json', '.pvr/json'];

/** The document of `base`, byte for byte. @throws TransactionError when there is none. */
export const loadBase = async (
  { files, target }: { readonly files: Files; readonly target: { currentState(): Promise<Buffer> } },
  base: string,
): Promise<Buffer> => {
  const path = resolve(base);
  const stat = await files.stat(path);
  // By prefix, as pvtx has always had it; but a file that is there is meant.
  if (base === 'current' || (base.startsWith('current') && stat === undefined)) return target.currentState();
  if (base === 'empty' || (base.startsWith('empty') && stat === undefined)) return Buffer.from(EMPTY_STATE);
  const candidates = stat?.type === 'directory' ? IN_DIRECTORY.map((name) => `${path}/${name}`) : [path];
  for (const candidate of candidates) {
    const document = await files.read(candidate, STATE_LIMITS.documentBytes);
    if (document !== undefined) return document;
  }
  throw new TransactionError(
    EXIT.failed,
    `${base}: no state there. Expected current, empty, a state document, or a directory with ${IN_DIRECTORY.join(' or ')}`,
  );
};
