/** Revisions as desired resources: read from the store, parsed and compiled once for as long as they stay the same. */
import type { Spec } from '../../resources/catalog.ts';
import { MESSAGE } from '../../resources/progress.ts';
import { isOfKind, type Ref } from '../../resources/ref.ts';
import type { CompiledState } from '../../resources/state-format/compile.ts';
import type { Entry } from '../config/key-value-entries.ts';
import { Rejection } from '../store/rejection.ts';
import type { Store } from '../store/store.ts';
import type { TrailContent } from '../store/trails/trail.ts';
import { HERE, type Reading, type ReadingContext, type StateReader } from '../threads/state-reader.ts';
import type { Oem } from './oem.ts';

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
  /** Reads a document as what would become this revision. */
  read(document: Uint8Array, revision: string): Promise<Reading>;
  /** The one loaded last under this name. */
  loaded(revision: string): Revision | undefined;
  /** The OEM configuration that came with it. */
  oemOf(revision: string): readonly Entry[];
}

type Context = Pick<ReadingContext, 'paths' | 'goalsTimeoutSeconds' | 'verityHandlers' | 'appengine' | 'trust'>;

interface Readers {
  /** Of state documents; default: here and now. */
  readonly reader?: StateReader;
  /** Default: no revision brings any configuration. */
  readonly oem?: Oem | undefined;
  /** What is worth knowing of a revision that may run. */
  readonly onWarning?: (revision: string, warning: string) => void;
}

interface Loaded {
  readonly result: Revision;
  readonly oem: readonly Entry[];
}

export const openRevisions = (
  store: Store,
  context: Context,
  { reader = HERE, oem, onWarning }: Readers = {},
): Revisions => {
  /** Nothing but data: whoever has more than that (a device's options) has what no thread could be given. */
  const contextOf = (revision: string): ReadingContext => {
    const { paths, goalsTimeoutSeconds, verityHandlers, appengine, trust } = context;
    return { paths, goalsTimeoutSeconds, verityHandlers, appengine, trust, revision };
  };
  const known = new Map<string, Loaded & { readonly version: string }>();
  /** Who asks meanwhile gets what is being read. */
  const reading = new Map<string, { readonly version: string; readonly loading: Promise<Loaded> }>();

  const read = async (revision: string): Promise<Loaded> => {
    const bytes = await store.document(revision);
    if (bytes === undefined) throw notFound(revision);
    const damage = await store.damageOf(revision, bytes);
    if (damage !== undefined) throw new Rejection(`${MESSAGE.noState}: ${damage}`);
    const brought = (await oem?.read(bytes)) ?? [];
    const goalsTimeoutSeconds = oem?.goalsTimeoutSeconds(brought) ?? context.goalsTimeoutSeconds;
    const found = await reader.read(bytes, { ...contextOf(revision), goalsTimeoutSeconds });
    if (found.ok) for (const warning of found.warnings ?? []) onWarning?.(revision, warning);
    const result = revisionOf(found);
    return { result, oem: brought };
  };

  return {
    read: (document, revision) => reader.read(document, contextOf(revision)),
    loaded: (revision) => known.get(revision)?.result,
    oemOf: (revision) => known.get(revision)?.oem ?? [],
    load: async (revision) => {
      // Before it is read: what is written meanwhile has another version the next time.
      const version = await store.version(revision);
      if (version === undefined) throw notFound(revision);
      const earlier = known.get(revision);
      if (earlier?.version === version) return earlier.result;
      const other = reading.get(revision);
      if (other?.version === version) return (await other.loading).result;
      const loading = read(revision).finally(() => reading.delete(revision));
      reading.set(revision, { version, loading });
      const loaded = await loading;
      known.set(revision, { version, ...loaded });
      return loaded.result;
    },
  };
};

const notFound = (revision: string): Rejection => new Rejection(`${MESSAGE.noState}: there is no revision ${revision}`);

/** @throws Rejection with every problem. */
export const revisionOf = (read: Reading): Revision => {
  if (!read.ok) throw new Rejection(read.problems.join('\n'));
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
