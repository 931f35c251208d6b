/** Whether a proposal is worth telling. */

import { UPDATE, type UpdateSpec } from '../../resources/kinds/update.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';

/** What runs or was proposed before may be proposed again at every start; who insists asks for it once more. */
export const isNews = (next: UpdateSpec, proposal: UpdateSpec | undefined, snapshot: Snapshot): boolean => {
  const { status } = resourceIn(snapshot, UPDATE);
  const known = proposal ?? status?.trial ?? status?.committed;
  return next.insisted === true || known?.revision !== next.revision || known.hash !== next.hash;
};
