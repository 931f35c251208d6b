/** Looking at a device: everything once at the start, then whatever the controllers point at. */
import { map, merge, type Observable } from 'rxjs';
import { refsIn } from '../../reconcilers/relations.ts';
import type { Kind } from '../../resources/catalog.ts';
import { type Ref, refOf } from '../../resources/ref.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { UPDATE } from '../../resources/update.ts';
import type { Controllers } from '../controller.ts';
import type { Event } from '../event.ts';
import type { Loop } from '../loop.ts';

/** Before the first revision is read nobody knows what is wanted, so nothing but the update may be planned. */
export const plannable = (snapshot: Snapshot): readonly Ref[] =>
  snapshot.revision === undefined ? [UPDATE] : refsIn(snapshot);

export const watching = (controllers: Controllers): Observable<Ref> =>
  merge(
    ...(Object.keys(controllers) as Kind[]).map((kind) =>
      controllers[kind].watch().pipe(map((name) => refOf(kind, name))),
    ),
  );

/** The update comes last: with it the desired state is known, and planning begins. */
export const observeEverything = async (controllers: Controllers, loop: Loop): Promise<void> => {
  const { update, ...others } = controllers;
  for (const controller of [...Object.values(others), update]) {
    for (const name of await controller.list()) {
      const ref = refOf(controller.kind, name);
      const status = await controller.observe(name);
      loop.tell({ type: 'resource.observed', ref, status } satisfies Event);
    }
  }
};
