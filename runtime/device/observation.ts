/** Looking at a device: everything once at the start, then whatever the controllers point at. */
import { distinctUntilChanged, filter, map, merge, type Observable, type Subscription } from 'rxjs';
import { refsIn } from '../../reconcilers/relations.ts';
import type { Kind, Status } from '../../resources/catalog.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import { type Ref, refOf } from '../../resources/ref.ts';
import { resourceIn, type Snapshot } from '../../resources/snapshot.ts';
import type { Controllers } from '../engine/controller.ts';
import { LOOK_LIMIT_SECONDS, type Loop } from '../engine/loop.ts';
import type { Clock } from '../host/host.ts';
import { inTime } from '../host/in-time.ts';

/** Before the first revision is read nobody knows what is wanted, so nothing but the update may be planned. */
export const plannable = (snapshot: Snapshot): readonly Ref[] =>
  snapshot.revision === undefined ? [UPDATE] : refsIn(snapshot);

export const watching = (controllers: Controllers): Observable<Ref> =>
  merge(
    ...(Object.keys(controllers) as Kind[]).map((kind) =>
      controllers[kind].watch().pipe(map((name) => refOf(kind, name))),
    ),
  );

interface Looking {
  readonly controllers: Controllers;
  readonly loop: Loop;
  readonly clock: Clock;
  /** What could not be looked at is put in; the loop goes on looking. To plan without it would be to plan as if it were not there. */
  readonly unseen: Set<Ref>;
  /** Everything was seen; called once. */
  readonly onSeen: () => void;
  readonly onProblem: (subject: string, message: string) => void;
}

/**
 * Looks at everything the device has. The update comes last: with it the desired state is known, and planning begins.
 * @returns the subscription that waits for what could not be seen at once
 */
export const observeEverything = async (looking: Looking): Promise<Subscription> => {
  const { controllers, loop, clock, unseen, onSeen, onProblem } = looking;
  let isListed = false;
  const check = (): void => {
    if (isListed && unseen.size === 0) onSeen();
  };
  // Before the first look: what is seen a moment later must not be missed.
  const subscription = loop.events
    .pipe(filter((event) => event.type === 'resource.observed' && unseen.delete(event.ref)))
    .subscribe(check);
  const { update, ...others } = controllers;
  for (const controller of [...Object.values(others), update]) {
    const names = await inTime(clock, LOOK_LIMIT_SECONDS, 'list', `every ${controller.kind}`, () => controller.list());
    const refs = names.map((name) => refOf(controller.kind, name));
    await Promise.all(refs.map(async (ref) => void ((await loop.observe(ref)) || unseen.add(ref))));
  }
  isListed = true;
  if (unseen.size > 0) onProblem('start', `nothing is done before ${[...unseen].join(', ')} can be looked at`);
  check();
  return subscription;
};

/** The update's status, once it is known, and whenever it changes. */
export const updatesIn = (snapshots: Observable<Snapshot>): Observable<Status<'update'>> =>
  snapshots.pipe(
    map((snapshot) => resourceIn(snapshot, UPDATE).status),
    filter((status) => status !== undefined),
    distinctUntilChanged(),
  );
