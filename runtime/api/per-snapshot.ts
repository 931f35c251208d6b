/** Answers that a snapshot determines: made once for it, however many ask. */
import type { Snapshot } from '../../resources/snapshot.ts';
import { document, failure, type Reply } from '../http/reply.ts';
import type { ApiDeps } from './ports.ts';

export interface Dated {
  readonly body: object;
  /** Monotonic: when time alone makes it another one. Infinity: never. */
  readonly untilMs: number;
}

/** Before a revision is read there is nothing to tell. */
export const perSnapshot = (
  { snapshot, nowMs }: Pick<ApiDeps, 'snapshot' | 'nowMs'>,
  make: (snapshot: Snapshot, nowMs: number) => Dated,
): (() => Reply) => {
  let last: { readonly of: Snapshot; readonly untilMs: number; readonly reply: Reply } | undefined;
  return () => {
    const of = snapshot();
    if (of.revision === undefined) return failure(500, 'State not loaded yet');
    const now = nowMs();
    if (last === undefined || last.of !== of || now >= last.untilMs) {
      const { body, untilMs } = make(of, now);
      last = { of, untilMs, reply: document(body) };
    }
    return last.reply;
  };
};
