/** Revisions as desired resources: read from the store, parsed and compiled once per content. */
import { createHash } from 'node:crypto';
import type { Spec } from '../../resources/catalog.ts';
import type { CompiledState } from '../../resources/compile.ts';
import type { CompileContext } from '../../resources/compile-context.ts';
import { readState } from '../../resources/read-state.ts';
import { isOfKind, type Ref } from '../../resources/ref.ts';
import { Rejection } from '../store/rejection.ts';
import type { Store } from '../store/store.ts';
import type { TrailContent } from '../store/trail.ts';

export interface Revision {
  readonly revision: string;
  readonly hash: string;
  readonly state: CompiledState;
  readonly content: TrailContent;
  /** What the loop is to want; groups open anew for every content. */
  readonly desired: Readonly<Record<Ref, Spec>>;
}

export interface Revisions {
  /** @throws Rejection with every problem of its document. @throws DeviceError when it cannot be read. */
  load(revision: string): Promise<Revision>;
  /** What a state is compiled with to become this revision. */
  contextOf(revision: string): CompileContext;
  /** The one loaded last under this name. */
  loaded(revision: string): Revision | undefined;
}

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

export const openRevisions = (store: Store, context: Omit<CompileContext, 'revision' | 'sha256'>): Revisions => {
  const contextOf = (revision: string): CompileContext => ({ ...context, revision, sha256 });
  const known = new Map<string, { readonly raw: string; readonly result: Revision }>();
  return {
    contextOf,
    loaded: (revision) => known.get(revision)?.result,
    load: async (revision) => {
      const bytes = await store.document(revision);
      if (bytes === undefined) throw new Rejection(`State JSON not found: there is no revision ${revision}`);
      const raw = sha256(bytes);
      const earlier = known.get(revision);
      if (earlier?.raw === raw) return earlier.result;
      const result = compileRevision(bytes, contextOf(revision));
      known.set(revision, { raw, result });
      return result;
    },
  };
};

/** @throws Rejection with every problem. */
export const compileRevision = (bytes: Uint8Array, context: CompileContext): Revision => {
  const read = readState(bytes, context);
  if (!read.ok) throw new Rejection(read.problems.map(({ message }) => message).join('\n'));
  const { state } = read;
  const { revision, hash } = state;
  return {
    revision,
    hash,
    state,
    content: { objects: state.objects, files: state.files },
    desired: withOpenings(state.resources, `${revision}@${hash.slice(0, 12)}`),
  };
};

const withOpenings = (resources: Readonly<Record<Ref, Spec>>, opening: string): Readonly<Record<Ref, Spec>> => {
  const desired: Record<Ref, Spec> = Object.create(null);
  for (const [ref, spec] of Object.entries(resources) as [Ref, Spec][]) {
    desired[ref] = isOfKind('group', ref) ? { ...(spec as Spec<'group'>), revision: opening } : spec;
  }
  return desired;
};
