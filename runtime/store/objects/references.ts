/** Which objects a state document names, told without understanding it: too many are harmless, too few are not. */

/** Looking through megabytes at once would hold up the event loop. */
const PIECE_BYTES = 256 * 1024;
const ID_BYTES = 64;

/** Adds everything in the text that looks like an id. */
export const addReferences = async (document: Buffer, references: Set<string>): Promise<void> => {
  for (let start = 0; start < document.length; start += PIECE_BYTES) {
    // One that lies across the border is found in the piece it begins in.
    const piece = document.toString('latin1', start, start + PIECE_BYTES + ID_BYTES);
    for (const [id] of piece.matchAll(/[0-9a-f]{64}/g)) references.add(id);
    if (start + PIECE_BYTES < document.length) await new Promise(setImmediate);
  }
};
