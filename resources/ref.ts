/** Identity of a resource: `container/web`, `volume/web/lxc-overlay`. Log field, map key and queue key at once. */
import type { Kind } from './catalog.ts';

export type Ref<K extends Kind = Kind> = `${K}/${string}`;

export const refOf = <K extends Kind>(kind: K, name: string): Ref<K> => `${kind}/${name}`;

export const nameOf = (ref: Ref): string => ref.slice(ref.indexOf('/') + 1);

export const kindOf = (ref: Ref): Kind => ref.slice(0, ref.indexOf('/')) as Kind; // the template type guarantees it

export const isOfKind = <K extends Kind>(kind: K, ref: Ref): ref is Ref<K> => ref.startsWith(`${kind}/`);
