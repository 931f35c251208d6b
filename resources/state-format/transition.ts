/**
 * How Pantavisor would go from one revision to another: with a reboot, or by stopping and starting containers only.
 * A pure comparison of what is installed; nothing here is done.
 */

import type { RestartPolicy } from '../kinds/goal.ts';
import { canonicalJson } from './canonical-json.ts';
import type { CompiledState } from './compile.ts';
import { ownerOf } from './state-key.ts';

/** What of a revision the decision needs. */
export type Installed = Pick<CompiledState, 'objects' | 'files' | 'containers'>;

export interface RebootCause {
  /** The key of the state. */
  readonly path: string;
  /** A sentence. */
  readonly reason: string;
}

export interface Transition {
  readonly reboot: boolean;
  /** Why it reboots, one per key; empty when it does not. */
  readonly causes: readonly RebootCause[];
  /** Running containers that are stopped, because something of theirs changed or went; new ones are not among them. */
  readonly stopped: readonly string[];
}

type Change = 'is new' | 'changed' | 'is gone';

/** A change that needs a reboot says why; one that does not names the container to stop, if it runs already. */
type Consequence = { readonly reason: string } | { readonly stop: string | undefined };

export const transitionOf = (current: Installed, next: Installed): Transition => {
  const [before, after] = [viewOf(current), viewOf(next)];
  const causes: RebootCause[] = [];
  const stopped = new Set<string>();
  for (const [path, change] of changesBetween(before.entries, after.entries)) {
    const consequence = consequenceOf(path, change, before.policies, after.policies);
    if ('reason' in consequence) causes.push({ path, reason: consequence.reason });
    else if (consequence.stop !== undefined) stopped.add(consequence.stop);
  }
  return { reboot: causes.length > 0, causes, stopped: [...stopped].sort() };
};

type Policies = ReadonlyMap<string, RestartPolicy>;

/** Inline JSON and objects are different things even under one key. */
const viewOf = ({ objects, files, containers }: Installed) => ({
  entries: new Map([
    ...objects.map(({ path, id }) => [path, `object ${id}`] as const),
    ...files.map(({ path, text }) => [path, `json ${meaningOf(text)}`] as const),
  ]),
  policies: new Map(containers.map(({ name, restartPolicy }) => [name, restartPolicy])),
});

/** Neither blanks nor the order of keys is a change. A file may hold a bare string, which is no JSON. */
const meaningOf = (text: string): string => {
  try {
    return canonicalJson(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
};

const changesBetween = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly (readonly [path: string, change: Change])[] => [
  ...[...before].flatMap(([path, content]): [string, Change][] => {
    const now = after.get(path);
    if (now === undefined) return [[path, 'is gone']];
    return now === content ? [] : [[path, 'changed']];
  }),
  ...[...after.keys()].flatMap((path): [string, Change][] => (before.has(path) ? [] : [[path, 'is new']])),
];

const consequenceOf = (path: string, change: Change, before: Policies, after: Policies): Consequence => {
  const owner = ownerOf(path);
  const [old, fresh] = owner === undefined ? [] : [before.get(owner), after.get(owner)];
  // Whose entry it is, is asked of the side that has it.
  const policy = change === 'is new' ? fresh : old;
  if (owner === undefined || policy === undefined) return { reason: `${path} ${change} and belongs to no container` };
  if (policy === 'system') return { reason: `${path} ${change}; the restart policy of ${owner} is "system"` };
  if (change === 'changed' && fresh === 'system') {
    return { reason: `${path} ${change}; the restart policy of ${owner} becomes "system"` };
  }
  return { stop: old === undefined ? undefined : owner };
};
