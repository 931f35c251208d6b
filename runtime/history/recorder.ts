/**
 * Turns facts into entries. It sees every fact with the snapshot before and after it, in order and before anybody acts.
 *
 * An action has the id of its beginning, so that what it sets off (its own update changes what is wanted while it
 * still runs) comes after it. Waits are told only when they last until the next write.
 */
import type { Status } from '../../resources/catalog.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import type { Plan } from '../../resources/plan.ts';
import { kindOf, type Ref } from '../../resources/ref.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../resources/snapshot.ts';
import type { Event, Reduction } from '../engine/event.ts';
import type { Causes } from './causes.ts';
import type { Entry } from './history-entry.ts';

/** What somebody else did to a resource; see reconcilers/change.ts. */
export type ChangeOf = (
  ref: Ref,
  look: { before: Status | undefined; after: Status | undefined; when: 'found' | 'acting' | 'watching' },
) => { readonly what: string; readonly atMs?: number; readonly expected: boolean } | undefined;

export type Note = Omit<Entry, 'id' | 'boot' | 'time' | 'revision' | 'atMs'> & Partial<Pick<Entry, 'id' | 'atMs'>>;

export interface RecorderOptions {
  readonly causes: Causes;
  readonly changeOf: ChangeOf;
  readonly nowMs: () => number;
  readonly nextId: () => number;
  /** @returns the entry's id. */
  readonly note: (note: Note) => number;
  /** Something began to wait. */
  readonly expect: () => void;
  /** An end that an earlier daemon told already. */
  readonly isKnown: (ref: Ref, atMs: number) => boolean;
}

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

interface Running {
  readonly id: number;
  readonly because: readonly number[];
  readonly startedAtMs: number;
  readonly before: number | undefined;
}

/** Shorter waits are how things go. */
const WORTH_TELLING_MS = 500;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #running = new Map<Ref, Running>();
  /** Since when; those that were not told yet. */
  readonly #waits = new Map<Ref, number>();
  /** Waits that were told and are not over. */
  readonly #told = new Set<Ref>();
  #latest: Snapshot = EMPTY_SNAPSHOT;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** The revision the device is to be. */
  get revision(): string | undefined {
    return this.#latest.revision;
  }

  take({ event, before, after }: Reduction): void {
    this.#latest = after;
    switch (event.type) {
      case 'desired.changed':
        this.#desired(event, before, after);
        return;
      case 'resource.observed':
        this.#observed(event.ref, before, after);
        return;
      case 'resource.planned':
        for (const [ref, plan] of event.plans) this.#planned(ref, before.plans[ref], plan);
        return;
      case 'action.started':
        this.#began(event);
        return;
      case 'action.succeeded':
        this.#ended(event, {});
        return;
      case 'action.failed':
        this.#failed(event, before, after);
        return;
      case 'observation.failed':
        return;
      default:
        event satisfies never;
    }
  }

  /** What brought about the action that a resource is at. */
  becauseOf(ref: Ref): readonly number[] {
    return this.#running.get(ref)?.because ?? [];
  }

  /** Tells the waits that have lasted for a while. @returns whether younger ones are left. */
  tellWaits(): boolean {
    const { causes, note, nowMs } = this.#options;
    for (const [ref, sinceMs] of this.#waits) {
      const plan = this.#latest.plans[ref];
      if (plan?.outcome !== 'waiting' || nowMs() - sinceMs < WORTH_TELLING_MS) continue;
      const because = plan.on.length > 0 ? causes.ofOthers(plan.on) : causes.of(ref, []);
      note({ kind: 'waiting', ref, reason: plan.reason, because });
      this.#told.add(ref);
      this.#waits.delete(ref);
    }
    return this.#waits.size > 0;
  }

  #desired(event: Of<'desired.changed'>, before: Snapshot, after: Snapshot): void {
    const { causes, note } = this.#options;
    // A start takes up what is there, whatever led to that once.
    const because = causes.ofOthers(before.revision === undefined ? [] : [UPDATE]);
    const isOther = event.revision !== before.revision;
    const about = Object.keys(event.desired).length === 0 ? {} : { about: event.revision };
    const id = isOther ? note({ kind: 'desired', ...about, reason: '', because }) : (because[0] ?? 0);
    for (const ref of new Set([...Object.keys(before.desired), ...Object.keys(after.desired)]) as Set<Ref>) {
      if (ref === UPDATE || isSame(before.desired[ref], after.desired[ref])) continue;
      // At a start everything is wanted anew; what an operator asked for before is still the reason.
      if (before.revision === undefined && causes.lastWish(ref) !== undefined) continue;
      causes.wanted(ref, id);
    }
    if (!isOther) return;
    this.#waits.clear();
    this.#told.clear();
    causes.forgetAllBut((ref) => after.desired[ref] !== undefined || after.observed[ref] !== undefined);
  }

  #observed(ref: Ref, before: Snapshot, after: Snapshot): void {
    const [was, is] = [before.observed[ref], after.observed[ref]];
    if (was === is) return;
    const { causes, changeOf, isKnown, note } = this.#options;
    const when = before.revision === undefined ? 'found' : this.#running.has(ref) ? 'acting' : 'watching';
    const change = changeOf(ref, { before: was, after: is, when });
    if (change === undefined || (change.atMs !== undefined && isKnown(ref, change.atMs))) return;
    const { what: reason, atMs, expected } = change;
    const isFound = when === 'found' && atMs === undefined;
    const because = expected ? causes.of(ref, []) : isFound ? causes.ofOthers([]) : [];
    causes.changed(ref, note({ kind: 'changed', ref, reason, because, ...(atMs === undefined ? {} : { atMs }) }));
  }

  #planned(ref: Ref, was: Plan | undefined, is: Plan | undefined): void {
    const { causes, note, expect, nowMs } = this.#options;
    if (is?.outcome === 'waiting') {
      if (was?.outcome === 'waiting') return;
      this.#waits.set(ref, nowMs());
      expect();
      return;
    }
    this.#waits.delete(ref);
    const wasTold = this.#told.delete(ref) || was?.outcome === 'stalled';
    if (is?.outcome === 'stalled' && was?.outcome !== 'stalled') {
      const because = causes.of(ref, is.because ?? [ref, 'desired']);
      causes.changed(ref, note({ kind: 'stalled', ref, reason: is.reason, because }));
    } else if (is?.outcome === 'converged' && wasTold) {
      const because = causes.of(ref, was?.outcome === 'waiting' ? was.on : []);
      causes.changed(ref, note({ kind: 'settled', ref, reason: '', because }));
    }
  }

  #began({ action: { ref }, because, atMs }: Of<'action.started'>): void {
    const { causes, nextId } = this.#options;
    const id = nextId();
    this.#running.set(ref, { id, because: causes.of(ref, because), startedAtMs: atMs, before: causes.lastChange(ref) });
    causes.changed(ref, id);
  }

  #ended({ action, reason, atMs }: Of<'action.succeeded' | 'action.failed'>, more: Partial<Note>): void {
    const running = this.#running.get(action.ref);
    this.#running.delete(action.ref);
    if (running === undefined) return;
    const { id, because, startedAtMs } = running;
    const about = revisionOf(action);
    this.#options.note({
      kind: 'done',
      id,
      atMs,
      ref: action.ref,
      action: action.type,
      reason,
      because,
      durationMs: Math.round(atMs - startedAtMs),
      ...(about === undefined ? {} : { about }),
      ...(action.type === 'update.rollBack' ? { code: action.failure.status } : {}),
      ...more,
    });
  }

  /** The same refusal again is told at the 2nd, 4th, 8th … time: a device that refuses for ever must not fill the log. */
  #failed(event: Of<'action.failed'>, before: Snapshot, after: Snapshot): void {
    const { ref } = event.action;
    const { code, message } = event;
    const attempts = after.failures[ref]?.attempts ?? 1;
    const isNews = before.failures[ref]?.message !== message || Number.isInteger(Math.log2(attempts));
    if (isNews) {
      this.#ended(event, { kind: 'failed', reason: message, code });
      return;
    }
    this.#options.causes.changed(ref, this.#running.get(ref)?.before);
    this.#running.delete(ref);
  }
}

const revisionOf = (action: Of<'action.started'>['action']): string | undefined => {
  if (kindOf(action.ref) !== 'update') return undefined;
  switch (action.type) {
    case 'update.try':
      return action.revision.revision;
    case 'update.test':
    case 'update.commit':
      return action.revision;
    case 'update.rollBack':
      return action.failure.revision;
    default:
      return undefined;
  }
};

/** Specs of one compiled revision are the same objects; those with an operator's intent are made anew. */
const isSame = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
