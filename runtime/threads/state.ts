/** The thread in which large state documents are read. */

import { stateHash } from '../store/objects/hash.ts';
import { type Piece, piecesOf } from './chunked-state.ts';
import { readHere, type StateResult, type StateWork } from './state-reader.ts';
import { work } from './worker.ts';

await work<StateWork, Piece, void>(async ({ document, context }, tell): Promise<StateResult> => {
  if (context === undefined) return stateHash(document);
  const read = readHere(document, context);
  if (!read.ok) return read;
  for (const piece of piecesOf(read.state)) await tell(piece);
  return { ok: true, ...(read.warnings !== undefined && { warnings: read.warnings }) };
});
