/**
 * Metadata: two flat maps from keys to text, one written by the owner (user-meta), one by the device and its containers
 * (device-meta). This is either of them.
 *
 * In: changes from clients, and facts of our own. Out: one file per key in the cache, which outlives a reboot; one in
 * `<run>/<name>/<key>`, which containers with role mgmt see; and for `<container>.<rest>` one in
 * `<run>/<name>.<container>/<rest>`, which that container sees. The cache is written first: a start makes the others
 * what it says. Directories stay what they are, they are mounted into containers.
 * It must never make a path of a key that is none of a single file, nor keep what is too large.
 */

import { inTurn } from '../engine/in-turn.ts';
import { DeviceError, type Files } from '../host/host.ts';

export const MAX_VALUE_BYTES = 4096;
export const MAX_KEYS = 1024;
const MAX_NAME_BYTES = 255;

export type PutOutcome = 'done' | 'refused' | 'no room';

export interface Metadata {
  /** The key that was added last comes first. */
  entries(): readonly (readonly [key: string, value: string])[];
  get(key: string): string | undefined;
  /** An unchanged value is not written again. @throws DeviceError when it cannot be kept; nothing has changed then. */
  put(key: string, value: string): Promise<PutOutcome>;
  /** Facts that are found out anew at every start, and at which no flash wears. A key that was a fact once stays one. */
  putFact(key: string, value: string): Promise<void>;
  /** False: there was none. @throws DeviceError */
  remove(key: string): Promise<boolean>;
}

export interface MetadataOptions {
  readonly files: Pick<Files, 'list' | 'makeDirectory' | 'read' | 'remove' | 'stat' | 'write'>;
  readonly name: 'user-meta' | 'device-meta';
  readonly run: string;
  readonly cache: string;
  /** Keys that `putFact` is going to set: until then they stay what they are shown as. Others may become facts as well. */
  readonly facts?: readonly string[];
  /** Also for what was there at the start; undefined: it is gone. */
  readonly onChange?: (key: string, value: string | undefined) => void;
  readonly onProblem: (subject: string, message: string) => void;
}

/** Hidden names are ours, for files that are not whole yet. */
const isKey = (key: string): boolean =>
  /^[^./\0][^/\0]*$/.test(key) && Buffer.byteLength(key) <= MAX_NAME_BYTES && !/\p{Cc}/u.test(key);

export const openMetadata = async (options: MetadataOptions): Promise<Metadata> => {
  const { files, name, run, cache, onChange = () => undefined, onProblem } = options;
  const values = new Map<string, string>();
  const facts = new Set(options.facts);
  const turn = inTurn();
  const live = `${run}/${name}`;

  /** Where a container finds its own keys, under what name. */
  const viewOf = (key: string): { readonly directory: string; readonly file: string } | undefined => {
    const at = key.indexOf('.');
    const file = key.slice(at + 1);
    if (at < 1 || !isKey(file) || name.length + 1 + at > MAX_NAME_BYTES) return undefined;
    return { directory: `${live}.${key.slice(0, at)}`, file };
  };

  /** The device said no: told, and made up for at the next start. The value itself is safe. */
  const attempt = async (path: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      onProblem(path, `metadata is not shown to containers: ${error.message}`);
    }
  };

  const show = (directory: string, file: string, value: string | undefined): Promise<void> =>
    attempt(`${directory}/${file}`, async () => {
      if (value === undefined) return files.remove(`${directory}/${file}`);
      await files.makeDirectory(directory, 0o755);
      await files.write(`${directory}/${file}`, value, 0o644);
    });

  const change = async (key: string, value: string | undefined): Promise<void> => {
    if (value === undefined) values.delete(key);
    else values.set(key, value);
    onChange(key, value);
    const view = viewOf(key);
    await show(live, key, value);
    if (view !== undefined) await show(view.directory, view.file, value);
  };

  const load = async (): Promise<void> => {
    const found: { readonly key: string; readonly modifiedMs: number }[] = [];
    for (const key of (await files.list(cache)) ?? []) {
      const stat = await files.stat(`${cache}/${key}`);
      if (!isKey(key) || facts.has(key) || stat?.type !== 'file') continue;
      if (stat.sizeBytes <= MAX_VALUE_BYTES) found.push({ key, modifiedMs: stat.modifiedMs });
      else
        onProblem(
          `${cache}/${key}`,
          `expected at most ${MAX_VALUE_BYTES} bytes, but it has ${stat.sizeBytes}; ignored`,
        );
    }
    for (const { key } of found.sort((a, b) => a.modifiedMs - b.modifiedMs)) {
      const value = await files.read(`${cache}/${key}`, MAX_VALUE_BYTES);
      if (value !== undefined) await change(key, value.toString());
    }
  };

  /** What an earlier daemon showed and is no more. */
  const sweep = async (): Promise<void> => {
    const isKnown = (key: string): boolean => values.has(key) || facts.has(key);
    for (const file of (await files.list(live)) ?? []) if (!isKnown(file)) await show(live, file, undefined);
    const views = ((await files.list(run)) ?? []).filter((directory) => directory.startsWith(`${name}.`));
    for (const directory of views) {
      const container = directory.slice(name.length + 1);
      for (const file of (await files.list(`${run}/${directory}`)) ?? [])
        if (!isKnown(`${container}.${file}`)) await show(`${run}/${directory}`, file, undefined);
    }
  };

  await files.makeDirectory(cache, 0o700);
  await attempt(live, () => files.makeDirectory(live, 0o755));
  await load();
  await attempt(live, sweep);

  return {
    entries: () => [...values].reverse(),
    get: (key) => values.get(key),
    put: (key, text) =>
      turn(async () => {
        const [value = ''] = text.split('\0');
        if (!isKey(key) || value === '' || Buffer.byteLength(value) > MAX_VALUE_BYTES) return 'refused';
        if (values.get(key) === value) return 'done';
        if (!values.has(key) && values.size >= MAX_KEYS) return 'no room';
        if (!facts.has(key)) await files.write(`${cache}/${key}`, value, 0o644);
        await change(key, value);
        return 'done';
      }),
    putFact: (key, value) =>
      turn(async () => {
        if (!facts.has(key)) await files.remove(`${cache}/${key}`);
        facts.add(key);
        if (values.get(key) !== value) await change(key, value);
      }),
    remove: (key) =>
      turn(async () => {
        if (!values.has(key)) return false;
        await files.remove(`${cache}/${key}`);
        await change(key, undefined);
        return true;
      }),
  };
};
