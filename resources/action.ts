/**
 * Everything the daemon can do to a device: one small, JSON-serialisable step at a time.
 * Semantics are "ensure": doing it twice is harmless.
 */

import type { Kind } from './catalog.ts';
import type { ContainerSpec } from './kinds/container.ts';
import type { DiskSpec, DiskStatus } from './kinds/disk.ts';
import type { BrokenBefore, Failure, Lifeline, UpdateSpec } from './kinds/update.ts';
import type { VolumeSpec } from './kinds/volume.ts';
import type { Ref } from './ref.ts';

export type Action =
  | { readonly type: 'disk.provision'; readonly ref: Ref<'disk'>; readonly spec: DiskSpec }
  /** Refuses any device that holds a file system, whatever the plan said. */
  | { readonly type: 'disk.format'; readonly ref: Ref<'disk'>; readonly spec: DiskSpec; readonly path: string }
  | { readonly type: 'disk.activate'; readonly ref: Ref<'disk'>; readonly spec: DiskSpec; readonly path: string }
  | { readonly type: 'disk.deactivate'; readonly ref: Ref<'disk'>; readonly status: DiskStatus }
  | { readonly type: 'disk.release'; readonly ref: Ref<'disk'>; readonly status: DiskStatus }
  | { readonly type: 'volume.mount'; readonly ref: Ref<'volume'>; readonly spec: VolumeSpec }
  | { readonly type: 'volume.unmount'; readonly ref: Ref<'volume'>; readonly target: string }
  | { readonly type: 'group.open'; readonly ref: Ref<'group'>; readonly revision: string }
  | { readonly type: 'group.close'; readonly ref: Ref<'group'> }
  | {
      readonly type: 'container.install';
      readonly ref: Ref<'container'>;
      readonly spec: ContainerSpec;
      /** See ContainerStatus. */
      readonly rank: number;
    }
  | {
      readonly type: 'container.start';
      readonly ref: Ref<'container'>;
      readonly spec: ContainerSpec;
      /** Identity of each mounted volume; see Run. */
      readonly volumes: Readonly<Record<Ref<'volume'>, string>>;
    }
  | { readonly type: 'container.halt'; readonly ref: Ref<'container'>; readonly reason: string }
  | { readonly type: 'container.kill'; readonly ref: Ref<'container'>; readonly reason: string }
  | { readonly type: 'container.unfreeze'; readonly ref: Ref<'container'> }
  /** After an exit: back to `installed`, ready for the next start. */
  | { readonly type: 'container.reset'; readonly ref: Ref<'container'>; readonly retries: number }
  | { readonly type: 'container.remove'; readonly ref: Ref<'container'> }
  /** Writes down "trying X, fallback Y" and installs X's trail. */
  | {
      readonly type: 'update.try';
      readonly ref: Ref<'update'>;
      readonly revision: UpdateSpec;
      readonly fallback: string;
      /** What the trial is not to be blamed for. */
      readonly brokenBefore: BrokenBefore;
      /** The trial that this one replaces. */
      readonly superseded?: Failure;
    }
  | { readonly type: 'update.test'; readonly ref: Ref<'update'>; readonly revision: string }
  | { readonly type: 'update.commit'; readonly ref: Ref<'update'>; readonly revision: string }
  | { readonly type: 'update.rollBack'; readonly ref: Ref<'update'>; readonly failure: Failure }
  /** Boots the device; nothing of it is left but the storage. */
  | { readonly type: 'update.reboot'; readonly ref: Ref<'update'>; readonly reason: string }
  /** After a rollback: goes down to the next stage of the lifeline, or leaves it because all is well. */
  | {
      readonly type: 'update.hold';
      readonly ref: Ref<'update'>;
      readonly stage: Lifeline['stage'] | 'none';
      readonly reason: string;
    };

export type ActionType<K extends Kind = Kind> = Extract<Action['type'], `${K}.${string}`>;
export type ActionOf<T extends Action['type']> = Extract<Action, { readonly type: T }>;
