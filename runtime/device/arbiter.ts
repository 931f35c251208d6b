/**
 * The arbiter between sources of desired state: one proposal stands, and every source is told about its own.
 *
 * In: proposals, and snapshots. Out: the standing proposal, and outcomes. It decides with `reconcilers/desired/`; its
 * only timer runs while something has changed that was not told yet.
 */
import type { Observable } from 'rxjs';
import { reasonToRefuse } from '../../reconcilers/desired/arbitration.ts';
import { type Followed, outcomeOf } from '../../reconcilers/desired/outcome.ts';
import { isSameRevision, UPDATE } from '../../resources/kinds/update.ts';
import type { Outcome, Proposal, SourceName } from '../../resources/proposal.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { Clock } from '../host/host.ts';
import type { ProposalPort, Source } from '../sources/source.ts';

export interface ArbiterOptions {
  readonly clock: Clock;
  readonly latest: () => Snapshot;
  readonly snapshots: Observable<Snapshot>;
  /** A proposal stands from now on; `before`: the one that did so far. */
  readonly onStanding: (proposal: Proposal, before: Proposal | undefined) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Arbiter {
  /** The newest proposal that was not refused; undefined: none since the daemon started. */
  standing(): Proposal | undefined;
  /** The port of a source, the same for the same name; `source.told` is called from now on. */
  portFor(source: Pick<Source, 'name'> & { readonly told?: Source['told'] }): ProposalPort;
  stop(): void;
}

/** Sources write what they are told to flash or to a network: what changes many times within this is told once. */
const TELL_EVERY_MS = 200;
/** Of each source; the newest. Older ones have come to their end long ago. */
const MAX_FOLLOWED = 256;

interface Entry {
  followed: Followed;
  /** The outcome that was told last, as JSON. */
  told?: string;
}

interface Follower {
  told: Source['told'] | undefined;
  readonly port: ProposalPort;
  /** By revision. */
  readonly entries: Map<string, Entry>;
}

export const openArbiter = (options: ArbiterOptions): Arbiter => {
  const { clock, latest, snapshots, onStanding, onBug } = options;
  const followers = new Map<SourceName, Follower>();
  let standing: Proposal | undefined;
  let cancel: (() => void) | undefined;

  const tellAll = (): void => {
    cancel = undefined;
    for (const { told, entries } of followers.values()) for (const entry of entries.values()) tell(told, entry);
  };
  const tell = (told: Source['told'], entry: Entry): void => {
    const outcome = outcomeOf(entry.followed, standing, latest());
    const text = JSON.stringify(outcome);
    if (outcome === undefined || entry.told === text) return;
    entry.told = text;
    try {
      told?.(entry.followed, outcome);
    } catch (error) {
      onBug(error);
    }
  };
  /** Nothing is scheduled for sources that do not want to be told. */
  const soon = (): void => {
    const isAwaited = [...followers.values()].some(({ told, entries }) => told !== undefined && entries.size > 0);
    if (isAwaited) cancel ??= clock.schedule(clock.nowMs() + TELL_EVERY_MS, tellAll);
  };

  const markBegun = (snapshot: Snapshot): void => {
    const trial = resourceIn(snapshot, UPDATE).status?.trial;
    if (trial === undefined) return;
    for (const { entries } of followers.values()) {
      const entry = entries.get(trial.revision);
      if (entry !== undefined && !entry.followed.begun && isSameRevision(entry.followed, trial))
        entry.followed = { ...entry.followed, begun: true };
    }
  };
  const subscription = snapshots.subscribe((snapshot) => {
    markBegun(snapshot);
    soon();
  });

  const follow = (entries: Follower['entries'], followed: Followed): void => {
    entries.delete(followed.revision);
    entries.set(followed.revision, { followed });
    const [oldest] = entries.keys();
    if (entries.size > MAX_FOLLOWED && oldest !== undefined) entries.delete(oldest);
    soon();
  };

  const propose = (entries: Follower['entries'], proposal: Proposal): Outcome => {
    const snapshot = latest();
    const reason = reasonToRefuse(proposal, standing, resourceIn(snapshot, UPDATE).status);
    if (reason !== undefined) return { is: 'refused', reason };
    const before = standing;
    standing = proposal;
    const { revision, hash } = proposal.spec;
    follow(entries, { revision, hash, proposal, begun: false });
    markBegun(snapshot);
    onStanding(proposal, before);
    return { is: 'accepted' };
  };

  const portOf = (source: SourceName, entries: Follower['entries']): ProposalPort => ({
    propose: (spec, from = source) => propose(entries, { spec, source, from }),
    follow: ({ revision, hash }) => follow(entries, { revision, hash, begun: false }),
    outcomeOf: ({ revision, hash }) => {
      const known = entries.get(revision)?.followed;
      const followed = known !== undefined && known.hash === hash ? known : { revision, hash, begun: false };
      return outcomeOf(followed, standing, latest());
    },
  });

  return {
    standing: () => standing,
    portFor: ({ name, told }) => {
      let follower = followers.get(name);
      if (follower === undefined) {
        const entries: Follower['entries'] = new Map();
        follower = { told: undefined, entries, port: portOf(name, entries) };
        followers.set(name, follower);
      }
      follower.told ??= told;
      return follower.port;
    },
    stop: () => {
      subscription.unsubscribe();
      cancel?.();
    },
  };
};
