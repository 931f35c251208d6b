/** From bytes to compiled state in one go, with every problem of every stage reported at once. */

import { type CompiledState, compile } from './compile.ts';
import type { CompileContext } from './compile-context.ts';
import { capped, newReport, type Problem } from './problem.ts';
import { readDocument, type StateDocument } from './state.ts';
import { STATE_LIMITS, type StateLimits } from './state-limits.ts';

export type ReadState =
  | {
      readonly ok: true;
      readonly document: StateDocument;
      readonly state: CompiledState;
      readonly warnings: readonly Problem[];
    }
  /** `isComplete`: its text was read to its end. */
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly isComplete: boolean };

export const readState = (
  bytes: Uint8Array,
  context: CompileContext,
  limits: StateLimits = STATE_LIMITS,
): ReadState => {
  const { document, problems, isComplete } = readDocument(bytes, context.sha256, limits);
  // Of half a document, nobody can say what is missing in it.
  if (!isComplete) return { ok: false, problems: capped(problems), isComplete };
  const report = newReport();
  const state = compile(document, context, report);
  const all = [...problems, ...report.problems];
  return all.length > 0
    ? { ok: false, problems: capped(all), isComplete }
    : { ok: true, document, state, warnings: capped(report.warnings) };
};
