/** What `GET /explain/{kind}/{name}` and `GET /history` answer: the history, and how things are at this moment. */
import { isKind } from '../../resources/catalog.ts';
import type { Plan } from '../../resources/plan.ts';
import { kindOf, nameOf, type Ref, refOf } from '../../resources/ref.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { Explanation } from '../history/explanation.ts';
import type { Device } from './device.ts';

/** undefined: there is no such kind, or nothing is known of such a resource. */
export const explainResource = async (
  { history, loop }: Pick<Device, 'history' | 'loop'>,
  kind: string,
  name: string,
): Promise<Explanation | undefined> => {
  if (!isKind(kind)) return undefined;
  const ref = refOf(kind, name);
  const deeds = await history.deedsOf(ref);
  const snapshot = loop.latest();
  const isThere = snapshot.desired[ref] !== undefined || snapshot.observed[ref] !== undefined;
  return isThere || deeds.length > 0 ? { ref, now: nowOf(ref, snapshot), deeds } : undefined;
};

/** Why a resource is as it is at this moment: `waits for volume/web/data: a volume is not mounted yet`. */
const nowOf = (ref: Ref, { desired, observed, plans }: Snapshot): string => {
  if (desired[ref] === undefined && observed[ref] === undefined) return 'is not there, and nobody wants it';
  const plan = plans[ref];
  return plan === undefined ? 'has not been looked at yet' : describe(plan);
};

const describe = (plan: Plan): string => {
  switch (plan.outcome) {
    case 'converged':
      return 'is as it should be';
    case 'acting':
      return `comes next: ${plan.next.type}: ${plan.reason}`;
    case 'stalled':
      return `is stalled: ${plan.reason}`;
    case 'waiting': {
      const on = plan.on.map((other) => `${kindOf(other)} ${nameOf(other)}`).join(', ');
      return `waits${on === '' ? '' : ` for ${on}`}: ${plan.reason}`;
    }
    default:
      return plan satisfies never;
  }
};
