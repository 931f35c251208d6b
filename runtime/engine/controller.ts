/** The controller port: how the engine, which knows no kinds, watches, observes and changes a device. */
import type { Observable } from 'rxjs';
import type { ActionOf, ActionType } from '../../resources/action.ts';
import type { Kind, Status } from '../../resources/catalog.ts';
import { kindOf, type Ref } from '../../resources/ref.ts';
import type { Reconciler } from '../../resources/snapshot.ts';

export interface Controller<K extends Kind> {
  readonly kind: K;
  readonly reconcile: Reconciler<K>;
  /** Names whose state may have changed. No payload on purpose: the loop looks for itself. */
  watch(): Observable<string>;
  /** Names that exist on the device now, wanted or not. */
  list(): Promise<readonly string[]>;
  /** Reads the device once. Absence is `undefined`, not an error. */
  observe(name: string): Promise<Status<K> | undefined>;
  readonly execute: { readonly [T in ActionType<K>]: (action: ActionOf<T>, signal: AbortSignal) => Promise<void> };
  /** How long an action may take before it counts as failed; default 30 s. */
  readonly timeoutSeconds?: Partial<Readonly<Record<ActionType, number>>>;
}

export type Controllers = { readonly [K in Kind]: Controller<K> };

/** The controller of a resource's kind. The one seam where the link between kind and types is lost: `ref` carries it at run time. */
export const controllerOf = (controllers: Controllers, ref: Ref): Controller<Kind> =>
  controllers[kindOf(ref)] as unknown as Controller<Kind>;
