/**
 * Writes state documents for tests, as pvr would: valid unless a test asks for something else.
 *
 *   aState().group({ name: 'apps' }).container('web', { group: 'apps' }).toBytes()
 *
 * Every call returns a new builder, so that a common start can be shared between tests.
 */
import { createHash } from 'node:crypto';
import type { Paths } from '../resources/paths.ts';
import { canonicalJson } from '../resources/state-format/canonical-json.ts';
import { type Compiled, type CompiledState, compileState } from '../resources/state-format/compile.ts';
import type { CompileContext } from '../resources/state-format/compile-context.ts';
import { parseState, STATE_SPEC, type StateDocument } from '../resources/state-format/state.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The id that an object of this content has. */
export const objectId = (content: string): string => sha256(content);

type Json = Readonly<Record<string, unknown>>;

export interface StateBuilder {
  /** Any key of the document; replaces what a former call said. undefined removes it. */
  with(key: string, value: unknown): StateBuilder;
  /** An object whose id is derived from its key, or from the content given. */
  object(key: string, content?: string): StateBuilder;
  /** Appends to groups.json. */
  group(group: Json): StateBuilder;
  /** Appends to disks.json. */
  disk(disk: Json): StateBuilder;
  /**
   * A container with root.squashfs, an LXC configuration and an overlay of persistence boot. `run` is merged into
   * its run.json; a value of undefined removes a key.
   */
  container(name: string, run?: Json): StateBuilder;
  toValue(): Json;
  toText(): string;
  toBytes(): Uint8Array;
}

export const aState = (): StateBuilder => builder({ '#spec': STATE_SPEC });

const builder = (value: Json): StateBuilder => {
  const add = (more: Json): StateBuilder => builder(withoutUndefined({ ...value, ...more }));
  const append = (key: string, element: Json): StateBuilder => {
    const list = value[key];
    return add({ [key]: [...(Array.isArray(list) ? list : []), element] });
  };
  // As JSON has it: members that are undefined do not exist.
  const toText = (): string => canonicalJson(JSON.parse(JSON.stringify(value)));
  return {
    with: (key, entry) => add({ [key]: entry }),
    object: (key, content = `content of ${key}`) => add({ [key]: objectId(content) }),
    group: (group) => append('groups.json', group),
    disk: (disk) => append('disks.json', disk),
    container: (name, run = {}) => add(containerEntries(name, run)),
    toValue: () => value,
    toText,
    toBytes: () => new TextEncoder().encode(toText()),
  };
};

const containerEntries = (name: string, run: Json): Json => ({
  [`${name}/lxc.container.conf`]: objectId(`lxc.container.conf of ${name}`),
  [`${name}/root.squashfs`]: objectId(`root of ${name}`),
  [`${name}/run.json`]: withoutUndefined({
    '#spec': 'service-manifest-run@1',
    config: 'lxc.container.conf',
    drivers: { manual: [], optional: [], required: [] },
    name,
    'root-volume': 'root.squashfs',
    storage: { 'lxc-overlay': { persistence: 'boot' } },
    type: 'lxc',
    volumes: [],
    ...run,
  }),
});

const withoutUndefined = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));

export const TEST_PATHS: Paths = {
  storage: '/storage',
  run: '/run/pantavisor',
  logs: '/storage/logs',
  volumes: '/volumes',
  config: '/configs',
  media: '/run/pantavisor/media',
  watch: '/storage/incoming',
  lxc: '/run/pantavisor/lxc',
};

export const testContext = (overrides: Partial<CompileContext> = {}): CompileContext => ({
  paths: TEST_PATHS,
  revision: 'locals/test',
  goalsTimeoutSeconds: 120,
  verityHandlers: true,
  appengine: true,
  sha256,
  ...overrides,
});

/** The document of a state that is known to be good. */
export const parsed = (state: StateBuilder): StateDocument => {
  const result = parseState(state.toBytes(), sha256);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.document;
};

export const compiling = (state: StateBuilder, overrides: Partial<CompileContext> = {}): Compiled =>
  compileState(parsed(state), testContext(overrides));

/** The compiled state of a builder that is known to be good. */
export const compiled = (state: StateBuilder, overrides: Partial<CompileContext> = {}): CompiledState => {
  const result = compiling(state, overrides);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.state;
};
