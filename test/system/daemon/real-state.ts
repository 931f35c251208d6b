/** State documents whose objects exist: `realState().container('web', { behaviour: 'exit 3' })`. Every call returns a new one. */
import { createHash } from 'node:crypto';
import { aState, type StateBuilder } from '../../state-builder.ts';
import { guestConfig, guestImage } from './guest.ts';

type Json = Readonly<Record<string, unknown>>;

export interface Guest {
  /** Shell script that its init runs before it waits for its end. */
  readonly behaviour?: string;
  /** Merged into its run.json; undefined removes a key. */
  readonly run?: Json;
  /** Volumes by where the container sees them, relative to its root. */
  readonly binds?: Readonly<Record<string, string>>;
  /** Added to its LXC file. */
  readonly lines?: readonly string[];
  /** Objects, by path below the container's directory. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Files of its `_config`, by path below the container's root. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface RealState {
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly hash: string;
  container(name: string, guest?: Guest): RealState;
  group(group: Json): RealState;
  disk(disk: Json): RealState;
  /** Any key of the document. */
  with(key: string, value: unknown): RealState;
  toText(): string;
}

const idOf = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

const stateOf = (builder: StateBuilder, objects: ReadonlyMap<string, Uint8Array>): RealState => ({
  objects,
  hash: idOf(builder.toText()),
  group: (group) => stateOf(builder.group(group), objects),
  disk: (disk) => stateOf(builder.disk(disk), objects),
  with: (key, value) => stateOf(builder.with(key, value), objects),
  toText: () => builder.toText(),
  container: (name, { behaviour = '', run = {}, binds, lines, files = {}, config = {} } = {}) => {
    const contents: Readonly<Record<string, string | Uint8Array>> = {
      [`${name}/root.squashfs`]: guestImage(),
      [`${name}/lxc.container.conf`]: guestConfig(name, binds, lines),
      [`_config/${name}/behaviour`]: behaviour,
      ...prefixed(`${name}/`, files),
      ...prefixed(`_config/${name}/`, config),
    };
    const added = Object.entries(contents).map(([key, content]) => ({ key, id: idOf(content), content }));
    const keyed = added.reduce((state, { key, id }) => state.with(key, id), builder.container(name, run));
    return stateOf(
      keyed,
      new Map([...objects, ...added.map(({ id, content }) => [id, Buffer.from(content)] as const)]),
    );
  },
});

const prefixed = <T>(prefix: string, entries: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(entries).map(([key, value]) => [`${prefix}${key}`, value]));

export const realState = (): RealState => stateOf(aState(), new Map());
