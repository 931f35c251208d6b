/**
 * The engine: turns facts into snapshots, snapshots into plans, and plans into steps, until nothing is left to do.
 *
 *   facts -> reduce -> snapshot -> plan every resource -> act, one worker per resource -> observe -> facts
 *
 * It knows no kinds: controllers with their reconcilers are passed in. It owns the snapshot and all retry and wake-up
 * times. Triggers carry names, not conclusions: the plan is made again at the moment of acting, and success is what is
 * observed afterwards. A DeviceError becomes `action.failed`; any other throw is our bug and ends the daemon.
 */
import { audit, BehaviorSubject, map, Observable, observeOn, queueScheduler, Subject } from 'rxjs';
import type { Plan } from '../../resources/plan.ts';
import { nameOf, type Ref } from '../../resources/ref.ts';
import { EMPTY_SNAPSHOT, resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import { inTime } from '../host/in-time.ts';
import { type Controllers, controllerOf } from './controller.ts';
import type { Event, Reduction } from './event.ts';
import { perform } from './performing.ts';
import { changedPlans, nextWakeMs, planOf } from './planning.ts';
import { reduce } from './reducer.ts';
import { serialByKey } from './serial-by-key.ts';

/** A look at the device that failed is taken again after this long. */
const LOOK_AGAIN_MS = 1_000;
/** A device that does not answer must not keep a resource from ever being looked at again. */
export const LOOK_LIMIT_SECONDS = 30;

export interface LoopOptions {
  readonly controllers: Controllers;
  readonly clock: Clock;
  /** Every resource worth planning in a snapshot. */
  readonly refsIn: (snapshot: Snapshot) => readonly Ref[];
  /** Called once, with our bug: the process cannot go on. */
  readonly onBug: (error: unknown) => void;
}

export interface Loop {
  /** The latest snapshot and every later one. */
  readonly snapshots: Observable<Snapshot>;
  /** Every fact, in order. */
  readonly events: Observable<Event>;
  /** Every fact with what it made of the snapshot, in order, and before anybody acts upon it. */
  readonly reductions: Observable<Reduction>;
  latest(): Snapshot;
  /** Adds a fact from outside. */
  tell(event: Event): void;
  /** Looks at a resource, and again until it can be seen. @returns whether it was seen at the first look. */
  observe(ref: Ref): Promise<boolean>;
  /** Looks at a resource again, then does what its plan says. */
  look(ref: Ref): void;
  /** Ends planning and acting. What an action has begun on the device is not undone. */
  stop(): void;
}

type Acting = Extract<Plan, { outcome: 'acting' }>;

export const startLoop = ({ controllers, clock, refsIn, onBug }: LoopOptions): Loop => {
  const facts = new Subject<Event>();
  const snapshots = new BehaviorSubject<Snapshot>(EMPTY_SNAPSHOT);
  const reductions = new Subject<Reduction>();
  const keys = new Subject<Ref>();
  const unseen = new Set<Ref>();
  const timers = new Map<Ref | 'plan', () => void>();

  /** What happens at the same time is planned for at once, and whoever asks the daemon something is served in between. */
  const turn = new Observable<void>((subscriber) => clock.soon(() => subscriber.next()));

  const tell = (event: Event): void => facts.next(event);
  const schedule = (key: Ref | 'plan', atMs: number, callback: () => void): void => {
    timers.get(key)?.();
    timers.set(key, clock.schedule(atMs, callback));
  };
  const look = (ref: Ref): void => {
    unseen.add(ref);
    keys.next(ref);
  };
  const reconcile = (ref: Ref, snapshot: Snapshot, nowMs: number): Plan =>
    controllerOf(controllers, ref).reconcile(resourceIn(snapshot, ref), snapshot, nowMs);
  const planNow = (ref: Ref): Plan => planOf(ref, snapshots.value, clock.nowMs(), reconcile);

  const planAll = (snapshot: Snapshot): void => {
    const nowMs = clock.nowMs();
    const plans = changedPlans(refsIn(snapshot), snapshot, nowMs, reconcile);
    if (plans.length > 0) tell({ type: 'resource.planned', plans });
    for (const [ref, plan] of plans) if (plan?.outcome === 'acting') keys.next(ref);
    const wakeMs = nextWakeMs(snapshots.value, nowMs);
    if (wakeMs === undefined) timers.get('plan')?.();
    else schedule('plan', wakeMs, () => planAll(snapshots.value));
  };

  const observe = async (ref: Ref): Promise<boolean> => {
    unseen.delete(ref);
    try {
      const look = () => controllerOf(controllers, ref).observe(nameOf(ref));
      const status = await inTime(clock, LOOK_LIMIT_SECONDS, 'look at', ref, look);
      tell({ type: 'resource.observed', ref, status });
      return true;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      tell({ type: 'observation.failed', ref, code: error.code, message: error.message });
      unseen.add(ref); // nothing is done to what nobody can see
      schedule(ref, clock.nowMs() + LOOK_AGAIN_MS, () => look(ref));
      return false;
    }
  };

  const reductionOf = (event: Event): Reduction => {
    const before = snapshots.value;
    return { event, before, after: reduce(before, event) };
  };
  const publish = (reduction: Reduction): void => {
    reductions.next(reduction);
    if (reduction.after !== reduction.before) snapshots.next(reduction.after);
  };

  const attempt = async ({ next: action, reason, because = [] }: Acting, signal: AbortSignal): Promise<void> => {
    const fail = (code: string, message: string): void =>
      tell({ type: 'action.failed', action, reason, atMs: clock.nowMs(), code, message });
    tell({ type: 'action.started', action, reason, because, atMs: clock.nowMs() });
    try {
      await perform(controllers, action, clock, signal);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      await observe(action.ref);
      return fail(error.code, error.message);
    }
    if (!(await observe(action.ref)))
      return fail('UNSEEN', `${action.type} was done, but the device cannot be looked at`);
    const after = planNow(action.ref);
    // Success is what is seen: an action that leaves its own reason standing would otherwise be repeated for ever.
    if (after.outcome === 'acting' && JSON.stringify(after.next) === JSON.stringify(action)) {
      return fail('NO_EFFECT', `${action.type} was done, but the device does not show it`);
    }
    tell({ type: 'action.succeeded', action, reason, atMs: clock.nowMs() });
  };

  const step = async (ref: Ref, signal: AbortSignal): Promise<void> => {
    if (unseen.has(ref) && !(await observe(ref))) return;
    if (!refsIn(snapshots.value).includes(ref)) return;
    const plan = planNow(ref);
    if (plan.outcome === 'acting' && !signal.aborted) await attempt(plan, signal);
  };

  const reducing = facts.pipe(observeOn(queueScheduler), map(reductionOf)).subscribe({ next: publish, error: onBug });
  const planning = snapshots.pipe(audit(() => turn)).subscribe({ next: planAll, error: onBug });
  const working = keys.pipe(serialByKey(step)).subscribe({ error: onBug });

  return {
    snapshots,
    events: reductions.pipe(map(({ event }) => event)),
    reductions,
    latest: () => snapshots.value,
    tell,
    observe,
    look,
    stop: () => {
      for (const subscription of [working, planning, reducing]) subscription.unsubscribe();
      for (const cancel of timers.values()) cancel();
    },
  };
};
