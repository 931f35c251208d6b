/**
 * The table of kinds: all that differs between them, besides how each is reconciled (`reconcilers/index.ts`).
 *
 * A kind that is missing here, or an action without its words, does not compile.
 */
import type { Action, ActionType } from '../resources/action.ts';
import type { Kind, Status } from '../resources/catalog.ts';
import { kindOf, type Ref } from '../resources/ref.ts';
import { resourceIn, type Snapshot } from '../resources/snapshot.ts';
import type { ActionRules, Change, KindRules, Look } from './kind-rules.ts';
import { containerRules } from './kinds/container.ts';
import { diskRules } from './kinds/disk.ts';
import { groupRules } from './kinds/group.ts';
import { updateRules } from './kinds/update.ts';
import { volumeRules } from './kinds/volume.ts';

export const KINDS: { readonly [K in Kind]: KindRules<K> } = {
  update: updateRules,
  disk: diskRules,
  volume: volumeRules,
  group: groupRules,
  container: containerRules,
};

/** The rules of a resource's kind. The one seam where the link between kind and types is lost: `ref` carries it. */
export const rulesOf = (ref: Ref): KindRules<Kind> => KINDS[kindOf(ref)] as unknown as KindRules<Kind>;

const actionRulesOf = ({ ref, type }: Action): ActionRules<ActionType> =>
  rulesOf(ref).actions[type as ActionType] as ActionRules<ActionType>; // as above

export const failsTrial = (ref: Ref, snapshot: Snapshot): boolean =>
  rulesOf(ref).failsTrial(resourceIn(snapshot, ref), snapshot);

/** What an observation says in words; undefined: nothing worth telling. */
export const changeOf = (ref: Ref, look: Look<Status>): Change | undefined => rulesOf(ref).change(look);

export const whyNotReady = (ref: Ref, snapshot: Snapshot): string | undefined =>
  rulesOf(ref).whyNotReady(resourceIn(snapshot, ref), snapshot);

export const needsDependencies = (action: Action): boolean => actionRulesOf(action).needsDependencies === true;

/** What an action does, in a few words for people: `mount image 12ab34cd… on web/root.squashfs`. */
export const stepText = (action: Action): string => actionRulesOf(action).step(action);

/** What was done to a resource: `was mounted`; undefined: an action that only an earlier version knew. */
export const doneText = (ref: Ref, type: string): string | undefined => {
  const actions: Readonly<Record<string, { readonly done: string }>> | undefined = KINDS[kindOf(ref)]?.actions;
  return actions !== undefined && Object.hasOwn(actions, type) ? actions[type]?.done : undefined;
};
