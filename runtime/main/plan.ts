/** Makes a plan: what would happen to a device, found out by rehearsing it on a simulated one. */
import type { CompileContext } from '../../resources/compile-context.ts';
import { readState } from '../../resources/read-state.ts';
import { transitionOf } from '../../resources/transition.ts';
import { differenceOf } from '../rehearsal/difference.ts';
import type { LookUp, Present } from '../rehearsal/present.ts';
import { containersOf, type PlanReport } from '../rehearsal/report.ts';
import { sha256 } from '../store/hash.ts';
import { Rejection } from '../store/rejection.ts';
import { rehearse } from './rehearse.ts';

/** What is proposed: a document, and the objects that come along with it. */
export interface ProposedState {
  readonly revision: string;
  readonly document: Uint8Array;
  /** Sizes by id. */
  readonly objects: ReadonlyMap<string, number>;
}

type Read = Extract<ReturnType<typeof readState>, { ok: true }>;

/** @throws Rejection with every problem of the document. */
const read = (document: Uint8Array, revision: string, { settings }: Present): Read => {
  const { paths, goalsTimeoutSeconds, verityHandlers } = settings;
  const context: CompileContext = { paths, goalsTimeoutSeconds, verityHandlers, appengine: true, sha256, revision };
  const result = readState(document, context);
  if (!result.ok) throw new Rejection(result.problems.map(({ message }) => message).join('\n'));
  return result;
};

const pathsOfDisks = ({ state }: Read): string[] =>
  Object.entries(state.resources).flatMap(([ref, spec]) =>
    ref.startsWith('disk/') && 'source' in spec && 'path' in spec.source && spec.source.type !== 'directory'
      ? [spec.source.path]
      : [],
  );

/**
 * @param proposed undefined: what the device is about to do anyway.
 * @throws Rejection when the proposed document is no valid state.
 */
export const planFor = async (
  present: Present,
  lookUp: LookUp,
  proposed: ProposedState | undefined,
): Promise<PlanReport> => {
  const target = proposed ?? { ...(present.proposal ?? present.trial ?? present.committed), objects: new Map() };
  const [current, next] = [
    read(present.committed.document, present.committed.revision, present),
    read(target.document, target.revision, present),
  ];
  const ids = [...new Set(next.state.objects.map(({ id }) => id))];
  const texts = [...current.state.objects, ...next.state.objects]
    .filter(({ path }) => path.endsWith('.conf'))
    .map(({ id }) => id);
  const knowledge = await lookUp({ objects: [...new Set([...ids, ...texts])], texts, disks: pathsOfDisks(next) });
  const { hash } = next.document;
  const rehearsal = await rehearse({
    present,
    knowledge,
    ...(proposed === undefined ? {} : { proposal: { revision: proposed.revision, hash, document: proposed.document } }),
  });

  const missing = ids.filter((id) => !knowledge.sizes.has(id));
  const { reboot, causes } = transitionOf(current.state, next.state);
  const needed = reboot && present.settings.rebootTransitions;
  const containers = containersOf(rehearsal.steps, rehearsal.before, rehearsal.after);
  return {
    against: present.source,
    from: present.committed.revision,
    to: target.revision,
    difference: differenceOf(current.document, next.document),
    reboot: { needed, causes },
    containers,
    steps: rehearsal.steps,
    ending: rehearsal.ending,
    objects: {
      missing,
      neededBytes: missing.reduce((sum, id) => sum + (target.objects.get(id) ?? 0), 0),
      absent: missing.filter((id) => !target.objects.has(id)),
      freeBytes: present.space?.freeBytes ?? null,
    },
    pending: present.pending,
    fallback: present.committed.revision,
    warnings: [...next.warnings.map(({ message }) => message), ...rehearsal.notices, ...present.troubles],
  };
};
