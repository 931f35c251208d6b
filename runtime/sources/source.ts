/**
 * The port of a source of desired state: something that wants the device to run a revision. The watched directory, the
 * control socket, pushing from outside and the Hub are sources.
 *
 * In: what a source proposes; a proposed revision is in the store with all its objects. Out: what becomes of it. A
 * source never changes what runs and never looks at another source: the arbiter decides which proposal stands, by the
 * precedence of `resources/proposal.ts`, and tells every source about its own proposals only.
 *
 *   propose ─► refused                       a source of a higher precedence is not finished
 *         └──► accepted ─► superseded        another proposal took its place before it was tried
 *                     ├──► refused           its content failed before
 *                     └──► trying ─► testing ─► done
 *                               └───────┴─────► rolled back (cancelled, if a newer proposal ended the trial)
 */

import type { Identity, UpdateSpec } from '../../resources/kinds/update.ts';
import type { Outcome, SourceName } from '../../resources/proposal.ts';

export interface Source {
  readonly name: SourceName;
  /** Begins to propose. Called once, when the device can take proposals. */
  start(port: ProposalPort): Promise<void> | void;
  /** Ends all of its work and timers; nothing is proposed afterwards. */
  stop(): Promise<void> | void;
  /**
   * What becomes of a revision that this source proposed or follows: the first outcome some time after, later every
   * change, each once. Outcomes that follow each other within 200 ms are told as the last of them. A throw is a bug.
   */
  told?(revision: Identity, outcome: Outcome): void;
}

/** What a source is given. */
export interface ProposalPort {
  /**
   * Wants this revision to be run, now. It may be proposed again at any time; that is how a refused proposal gets its
   * next chance.
   * @param from who exactly, for people and for the history; default: the name of the source
   * @returns whether it stands: `accepted`, or `refused` with the reason
   */
  propose(spec: UpdateSpec, from?: string): Outcome;
  /** To be told about a revision that was proposed before this daemon started. */
  follow(revision: Identity): void;
  /** What is known of any revision now; undefined: nothing. */
  outcomeOf(revision: Identity): Outcome | undefined;
}
