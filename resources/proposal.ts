/** Proposals: who wants the device to run which revision, and what becomes of it. */
import type { Failure, UpdateSpec } from './kinds/update.ts';

/**
 * Where proposals come from, with their precedence. A proposal replaces an unfinished one of the same or of a lower
 * precedence (the newest wins); it is refused while one of a higher precedence is unfinished. People who stand at the
 * device come before a server far away.
 */
export const SOURCE_PRECEDENCE = { 'control socket': 1, push: 1, 'watched directory': 1, hub: 0 } as const;

export type SourceName = keyof typeof SOURCE_PRECEDENCE;

export interface Proposer {
  readonly source: SourceName;
  /** Who exactly, for people: `incoming/web.json`, `the operator`. */
  readonly from: string;
}

/** Who asks for a run of a revision that is installed already. */
export interface Requester extends Proposer {
  readonly source: 'control socket' | 'push';
}

export interface Proposal extends Proposer {
  readonly spec: UpdateSpec;
}

/** What is not converged while a revision is tried, and why. */
export interface Unfinished {
  readonly resource: string;
  readonly reason: string;
}

/** What becomes of a proposal. Only the first, `trying` and `testing` are followed by another one. */
export type Outcome =
  /** It is the newest; the device has not begun with it. */
  | { readonly is: 'accepted' }
  /** It is not tried: one of a higher precedence is unfinished, or the same content failed before. */
  | { readonly is: 'refused'; readonly reason: string; readonly failure?: Failure }
  /** Another proposal replaced it before it was tried. */
  | { readonly is: 'superseded'; readonly by: Proposal }
  | { readonly is: 'trying'; readonly waitingOn: readonly Unfinished[] }
  /** Its goals are reached; the commit delay runs. */
  | { readonly is: 'testing'; readonly waitingOn: readonly Unfinished[] }
  | { readonly is: 'done' }
  /** It was tried and given up; `failure.status` is `CANCELLED` when something newer took its place. */
  | { readonly is: 'rolled back'; readonly failure: Failure };
