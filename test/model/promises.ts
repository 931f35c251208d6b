/**
 * What must hold of the update machine: in every state, over every step, and where it comes to rest.
 *
 * In every state some revision boots, and all of it is there. Over every step what was written down about a failure
 * stays as it is. At rest nothing is half-done, and everybody tells the same: boot variables, progress, failures, links.
 */

import type { Failure } from '../../resources/kinds/update.ts';
import { isFinal, Progress } from '../../resources/progress.ts';
import { defectOf } from './defect.ts';
import type { Exploration, State, Step } from './explore.ts';
import { STATES, WORLDS } from './machine.ts';
import { bootVariablesIn, type Tree, textAt } from './tree.ts';

const json = (tree: Tree, path: string): unknown => {
  const text = textAt(tree, path);
  return text === undefined ? undefined : JSON.parse(text);
};
const progressOf = (tree: Tree, revision: string): Progress | undefined =>
  Progress.optional().parse(json(tree, `trails/${revision}/.pv/progress`));
const failureOf = (tree: Tree, revision: string): (Failure & { time: string }) | undefined =>
  json(tree, `trails/${revision}/.pv/failure`) as (Failure & { time: string }) | undefined; // the store wrote it

/** @returns what is broken, one sentence each. */
export const brokenIn = ({ tree }: Pick<State, 'tree'>): string[] => {
  const { pv_rev: committed, pv_try: trying } = bootVariablesIn(tree);
  if (committed === undefined) return ['nothing boots: pv_rev is not set'];
  const boots = trying === undefined ? [committed] : [committed, trying];
  return boots.flatMap((revision) => {
    // The first start makes the factory revision; until then there is nothing to boot but that.
    if (revision === 'locals/one' && defectOf(tree, revision)?.includes('lacks') && committed === 'locals/one')
      return [];
    return defectOf(tree, revision) ?? [];
  });
};

/** The reason survives, whatever happens after it was written down. */
export const brokenBy = ({ states }: Exploration, { from, to, told, asks }: Step): string[] =>
  Object.keys(STATES).flatMap((revision) => {
    const [before, after] = [from, to].map((id) => failureOf(states.get(id)?.tree ?? new Map(), revision));
    if (before === undefined || revision === asks) return [];
    const isSame = after !== undefined && JSON.stringify(after) === JSON.stringify(before);
    return isSame ? [] : [`${told} changed why ${revision} failed: ${before.detail} became ${after?.detail}`];
  });

export const brokenAtRest = ({ tree }: Pick<State, 'tree'>): string[] => {
  const { pv_rev: committed, pv_try: trying, pv_trying: tried } = bootVariablesIn(tree);
  const current = tree.get('trails/current');
  const pointsAt = current !== undefined && current !== 'directory' && current.type === 'symlink' ? current.target : '';
  return [
    ...(trying === undefined && tried === undefined ? [] : [`pv_try=${trying} and pv_trying=${tried} are left`]),
    ...(pointsAt === '' || pointsAt === committed
      ? []
      : [`trails/current is ${pointsAt}, but ${committed} is committed`]),
    ...Object.keys(STATES).flatMap((revision) => disagreement(tree, revision, revision === committed)),
  ];
};

const disagreement = (tree: Tree, revision: string, isCommitted: boolean): string[] => {
  const [progress, failure] = [progressOf(tree, revision), failureOf(tree, revision)];
  const told = `${revision} is ${progress?.status} (${progress?.['status-msg']})`;
  if (isCommitted) {
    if (failure !== undefined) return [`${revision} is committed, but failed: ${failure.detail}`];
    return progress?.status === 'DONE' ? [] : [`${told}, but committed`];
  }
  if (failure === undefined) {
    // Proposed and not begun, or committed before another was.
    const isTold = progress === undefined || progress.status === 'NEW' || progress.status === 'DONE';
    return isTold ? [] : [`${told}, and nothing says why it is not committed`];
  }
  if (failure.detail === '' || failure.message === '') return [`${revision} failed without a reason`];
  const agrees = progress !== undefined && isFinal(progress) && progress['status-msg'] === failure.message;
  return agrees ? [] : [`${told}, but it failed: ${failure.message}`];
};

/** More steps than this without coming to rest is going round. */
const PATIENCE = 40;

/** From every state, in every world that stays as it is, it comes to rest, and all agree there. */
export const brokenOnward = ({ states, onward }: Exploration): string[] => {
  const broken = new Set<string>();
  for (const first of states.values()) {
    for (const world of WORLDS) {
      let state = first;
      let left = PATIENCE;
      for (let next = onward.get(state.id)?.[world]; next !== undefined; next = onward.get(state.id)?.[world]) {
        state = states.get(next) ?? state;
        left -= 1;
        if (left === 0) break;
      }
      if (left === 0) broken.add(`in a ${world} world it never comes to rest: ${state.id}`);
      else for (const fault of brokenAtRest(state)) broken.add(`at rest in a ${world} world: ${fault}`);
    }
  }
  return [...broken];
};
