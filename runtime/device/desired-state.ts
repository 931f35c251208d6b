/**
 * Keeps the loop's desired state up to date: whenever anything that decides it changes, it is computed anew.
 *
 * In: the loop's update status, gates that open, the standing proposal, intents. Out: `desired.changed`. It decides
 * nothing: `reconcilers/desired/desired.ts` does.
 */
import { type DesiredInputs, desiredState, type Gates } from '../../reconcilers/desired/desired.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import type { Loop } from '../engine/loop.ts';

/** Stands in for a revision's name while none could be read. */
const UNREAD = '(none could be read)';

export interface DesiredStateOptions extends Pick<DesiredInputs, 'compiled' | 'faultOf' | 'damagedIn'> {
  readonly loop: Pick<Loop, 'latest' | 'tell'>;
  readonly gates: Gates;
  readonly proposal: () => DesiredInputs['proposal'];
  readonly intents: () => DesiredInputs['intents'];
  /** A revision is going to be desired. */
  readonly onRevision: (revision: string) => void;
}

export interface DesiredState {
  open(gate: keyof Gates): void;
  /** Something that decides what is desired may have changed. */
  refresh(): void;
  shutDown(): void;
}

export const openDesiredState = (options: DesiredStateOptions): DesiredState => {
  const { loop, compiled, faultOf, damagedIn, proposal, intents, onRevision } = options;
  let gates = options.gates;
  let shuttingDown = false;

  const refresh = (): void => {
    const { status: update } = resourceIn(loop.latest(), UPDATE);
    const inputs = { gates, shuttingDown, update, proposal: proposal(), intents: intents(), compiled, faultOf };
    const damage = damagedIn === undefined ? {} : { damagedIn };
    const next = desiredState({ ...inputs, ...damage });
    if (next.is === 'unchanged') {
      const { revision = UNREAD, desired } = loop.latest();
      if (next.proposal !== undefined)
        loop.tell({ type: 'desired.changed', revision, desired: { ...desired, [UPDATE]: next.proposal } });
      return;
    }
    if (next.is === 'revision') onRevision(next.revision);
    loop.tell({ type: 'desired.changed', revision: next.revision, desired: next.desired });
  };

  return {
    refresh,
    open: (gate) => {
      gates = { ...gates, [gate]: true };
      refresh();
    },
    shutDown: () => {
      shuttingDown = true;
      refresh();
    },
  };
};
