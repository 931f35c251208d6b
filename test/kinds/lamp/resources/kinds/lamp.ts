/** A lamp: what a new kind brings along, in files of its own. */
import type { Ref } from '../ref.ts';

export interface LampSpec {
  readonly name: string;
}

export interface LampStatus {
  readonly lit: true;
}

export type LampAction =
  | { readonly type: 'lamp.light'; readonly ref: Ref<'lamp'> }
  | { readonly type: 'lamp.quench'; readonly ref: Ref<'lamp'> };
