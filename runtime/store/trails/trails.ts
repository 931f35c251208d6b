/** All trails of a storage, looked through for an object. */
import { parseState } from '../../../resources/state-format/state.ts';
import { objectsOf } from '../../../resources/state-format/trail.ts';
import { sha256 } from '../objects/hash.ts';
import { addReferences } from '../objects/references.ts';
import type { Trails } from '../objects/verification.ts';

export const trailsBelow = (
  directory: string,
  revisions: () => Promise<readonly string[]>,
  document: (revision: string) => Promise<Buffer | undefined>,
): Trails => ({
  revisions,
  pathOf: (revision) => `${directory}/${revision}`,
  naming: async (revision, ids) => {
    const bytes = await document(revision);
    if (bytes === undefined) return [];
    const named = new Set<string>();
    await addReferences(bytes, named);
    if (![...ids].some((id) => named.has(id))) return [];
    const parsed = parseState(bytes, sha256);
    return parsed.ok ? objectsOf(parsed.document).filter(({ id }) => ids.has(id)) : [];
  },
});
