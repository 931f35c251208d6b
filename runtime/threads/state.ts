/** The thread in which large state documents are read. */

import { readState } from '../../resources/state-format/read-state.ts';
import { sha256, stateHash } from '../store/objects/hash.ts';
import { type Piece, piecesOf } from './chunked-state.ts';
import type { StateResult, StateWork } from './state-reader.ts';
import { work } from './worker.ts';

await work<StateWork, Piece, void>(async ({ document, context }, tell): Promise<StateResult> => {
  if (context === undefined) return stateHash(document);
  const read = readState(document, { ...context, sha256 });
  if (!read.ok)
    return { ok: false, problems: read.problems.map(({ message }) => message), isComplete: read.isComplete };
  for (const piece of piecesOf(read.state)) await tell(piece);
  return 'read';
});
