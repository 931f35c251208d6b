/** Looking at a device: everything once at the start, then whatever the controllers point at. */
import { distinctUntilChanged, filter, map, merge, type Observable } from 'rxjs';
import { refsIn } from '../../reconcilers/relations.ts';
import type { Kind, Status } from '../../resources/catalog.ts';
import { UPDATE } from '../../resources/kinds/update.ts';
import { type Ref, refOf } from '../../resources/ref.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
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
  readonly onProblem: (subject: string, message: string) => void;
}

/** The update comes last: with it the desired state is known, and planning begins. */
export const observeEverything = async ({ controllers, loop, clock, unseen, onProblem }: Looking): Promise<void> => {
  const { update, ...others } = controllers;
  for (const controller of [...Object.values(others), update]) {
    const names = await inTime(clock, LOOK_LIMIT_SECONDS, 'list', `every ${controller.kind}`, () => controller.list());
    const refs = names.map((name) => refOf(controller.kind, name));
    await Promise.all(refs.map(async (ref) => void ((await loop.observe(ref)) || unseen.add(ref))));
  }
  if (unseen.size > 0) onProblem('start', `nothing is done before ${[...unseen].join(', ')} can be looked at`);
};

/** Takes off what has been seen, and emits whenever nothing is left. To be listened to before the first look. */
export const lastSeen = (loop: Loop, unseen: Set<Ref>): Observable<unknown> =>
  loop.events.pipe(
    filter((event) => event.type === 'resource.observed' && unseen.delete(event.ref) && unseen.size === 0),
  );

/** The update's status: the one there is, and every one that differs from it. */
export const updatesIn = (snapshots: Observable<Snapshot>): Observable<Status | undefined> =>
  snapshots.pipe(
    map(({ observed }): Status | undefined => observed[UPDATE]),
    distinctUntilChanged(),
  );
