/** Everything the daemon can do to a device: one small, JSON-serialisable step at a time. */
import type { Catalog, Kind } from './catalog.ts';

export type Action = { readonly [K in Kind]: Catalog[K]['action'] }[Kind];

export type ActionType<K extends Kind = Kind> = Extract<Action['type'], `${K}.${string}`>;
export type ActionOf<T extends Action['type']> = Extract<Action, { readonly type: T }>;
