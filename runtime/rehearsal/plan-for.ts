/** Makes a plan: what would happen to a device, found out by rehearsing it on a simulated one. */

import { failedBefore } from '../../resources/kinds/update.ts';
import type { CompileContext } from '../../resources/state-format/compile-context.ts';
import { readState } from '../../resources/state-format/read-state.ts';
import { transitionOf } from '../../resources/state-format/transition.ts';
import { distinctName } from '../sources/directory/revision-placement.ts';
import { sha256, stateHash } from '../store/objects/hash.ts';
import { Rejection } from '../store/rejection.ts';
import { EMPTY_STATE } from '../store/trails/layout.ts';
import { localNameProblem, localRevision } from '../store/trails/revision.ts';
import { verifyState } from '../trust/verify-state.ts';
import { containersOf, type PlanReport } from './plan-report.ts';
import type { Knowledge, LookUp, Present } from './present.ts';
import { rehearse } from './rehearse.ts';
import { differenceOf } from './state-difference.ts';

/** What is proposed: a document, and the objects that come along with it. */
export interface ProposedState {
  /** As of a drop: `web` becomes `locals/web`. undefined: whoever asks has not chosen one. */
  readonly name?: string;
  readonly document: Uint8Array;
  /** Sizes by id. */
  readonly objects: ReadonlyMap<string, number>;
  /** Texts by id, of as many of the small ones as are at hand. */
  readonly texts?: ReadonlyMap<string, string>;
}

type Read = Extract<ReturnType<typeof readState>, { ok: true }>;

const contextFor = ({ settings }: Present, revision: string): CompileContext => {
  const { paths, goalsTimeoutSeconds, verityHandlers, appengine } = settings;
  return { paths, goalsTimeoutSeconds, verityHandlers, appengine, sha256, revision };
};

/** @throws Rejection with every problem of the document. */
const read = (document: Uint8Array, revision: string, present: Present): Read => {
  const result = readState(document, contextFor(present, revision));
  if (!result.ok) throw new Rejection(result.problems.map(({ message }) => message).join('\n'));
  const { trust } = present.settings;
  const verdict = trust === undefined ? undefined : verifyState(result.document, trust);
  if (verdict?.untrusted !== undefined) throw new Rejection(verdict.problems.join('\n'));
  return result;
};

/** A committed document that cannot be used is no reason to say nothing about another one: next to it, all is new. */
const readCommitted = (present: Present): { readonly current: Read; readonly warnings: readonly string[] } => {
  const { revision, document } = present.committed;
  const result = readState(document, contextFor(present, revision));
  if (result.ok) return { current: result, warnings: [] };
  return {
    current: read(Buffer.from(EMPTY_STATE), revision, present),
    warnings: [`revision ${revision}, which is committed, cannot be used: ${result.problems[0]?.message}`],
  };
};

const NAME_LENGTH = 12;

/** The name the content has on the device, else the one a drop would get. */
const revisionFor = ({ name, document }: ProposedState, present: Present): string => {
  const hash = stateHash(document);
  const { committed, trial, failures } = present;
  const known = [committed, trial].find((stored) => stored !== undefined && stateHash(stored.document) === hash);
  if (known !== undefined) return known.revision;
  const failed = failedBefore({ hash }, failures);
  if (failed !== undefined) return failed.revision;
  const isGood = name !== undefined && localNameProblem(name) === undefined;
  const local = isGood ? name : `plan-${hash.slice(0, NAME_LENGTH)}`;
  const isInUse = [committed.revision, trial?.revision].includes(localRevision(local));
  return localRevision(isInUse ? distinctName(local, hash) : local);
};

const pathsOfDisks = ({ state }: Read): string[] =>
  Object.entries(state.resources).flatMap(([ref, spec]) =>
    ref.startsWith('disk/') && 'source' in spec && 'path' in spec.source && spec.source.type !== 'directory'
      ? [spec.source.path]
      : [],
  );

const idsOf = ({ state }: Read): string[] => [...new Set(state.objects.map(({ id }) => id))];

/** The LXC configurations that run.json names, whatever they are called. */
const textsOf = ({ state }: Read): string[] => {
  const configs = new Set(state.containers.map(({ configFile }) => configFile));
  const byPath = new Map(state.containers.map(({ name, directory }) => [name, directory]));
  return state.objects.flatMap(({ path, id }) => {
    const [owner = '', ...file] = path.split('/');
    return configs.has(`${byPath.get(owner)}/${file.join('/')}`) ? [id] : [];
  });
};

const knowledgeFor = async (reads: readonly Read[], lookUp: LookUp, proposed?: ProposedState): Promise<Knowledge> => {
  const texts = [...new Set(reads.flatMap(textsOf))];
  const objects = [...new Set(reads.flatMap(idsOf))];
  const known = await lookUp({ objects, texts, disks: [...new Set(reads.flatMap(pathsOfDisks))] });
  const brought = texts.flatMap((id) => {
    const text = proposed?.texts?.get(id);
    return text === undefined ? [] : [[id, text] as const];
  });
  return { ...known, texts: new Map([...brought, ...known.texts]) };
};

/**
 * @param proposed undefined: what the device is about to do anyway.
 * @throws Rejection when the proposed document is no valid state.
 */
export const planFor = async (
  present: Present,
  lookUp: LookUp,
  proposed: ProposedState | undefined,
): Promise<PlanReport> => {
  const { current, warnings } = readCommitted(present);
  const target = proposed
    ? { revision: revisionFor(proposed, present), document: proposed.document }
    : (present.proposal ?? present.trial ?? present.committed);
  const next = read(target.document, target.revision, present);
  const knowledge = await knowledgeFor([current, next], lookUp, proposed);
  const proposal = { ...target, hash: next.document.hash };
  const rehearsal = await rehearse({ present, knowledge, ...(proposed === undefined ? {} : { proposal }) });

  const missing = idsOf(next).filter((id) => !knowledge.sizes.has(id));
  const objects = proposed?.objects ?? new Map<string, number>();
  const { reboot, causes } = transitionOf(current.state, next.state);
  return {
    against: present.source,
    from: present.committed.revision,
    to: target.revision,
    difference: differenceOf(current.document, next.document),
    reboot: { needed: reboot && present.settings.rebootTransitions, causes },
    containers: containersOf(rehearsal.steps, rehearsal.before, rehearsal.after),
    steps: rehearsal.steps,
    ending: rehearsal.ending,
    objects: {
      missing,
      neededBytes: missing.reduce((sum, id) => sum + (objects.get(id) ?? 0), 0),
      absent: missing.filter((id) => !objects.has(id)),
      freeBytes: present.space?.freeBytes ?? null,
    },
    pending: present.pending,
    fallback: present.committed.revision,
    warnings: [...warnings, ...next.warnings.map(({ message }) => message), ...rehearsal.notices, ...present.troubles],
  };
};
