/**
 * A device as a directory, the way `pvr checkout` lays it out (`app/run.json`, `app/root.squashfs`, `_config/app/etc/x`),
 * and as an export tarball. Offline commands: they touch nothing but the directory and the file they are given.
 */
import { canonicalJson } from '../../../resources/state-format/canonical-json.ts';
import { parseState, STATE_SPEC } from '../../../resources/state-format/state.ts';
import { keyFault } from '../../../resources/state-format/state-key.ts';
import { STATE_LIMITS } from '../../../resources/state-format/state-limits.ts';
import type { Files } from '../../host/host.ts';
import { expecting, sha256, sha256OfStream } from '../objects/hash.ts';
import { Rejection } from '../rejection.ts';
import { isObjectId } from '../trails/revision.ts';
import { type TarballObject, tarballOf } from './tarball-write.ts';

export interface Packed {
  /** The state document in canonical form. */
  readonly document: string;
  /** sha256 of it. */
  readonly hash: string;
  readonly objects: readonly { readonly id: string; readonly sizeBytes: number }[];
}

/** Files that only ever are manifests: a typing error in one must not turn it into an object. */
const MANIFEST =
  /^(groups|device|disks|disks_v3)\.json$|^bsp\/drivers\.json$|^(?!_config\/)[^/]+\/(run|services)\.json$/;

/** Relative paths of all files, sorted; dot files at the top (`.pvr`, `.git`, …) are not part of the device. */
const filesBelow = async (files: Files, root: string, ignored: string): Promise<string[]> => {
  const found: string[] = [];
  const visit = async (directory: string): Promise<void> => {
    const names = await files.list(`${root}/${directory}`);
    if (names === undefined) throw new Rejection(`${root}/${directory}: expected a directory, but there is none`);
    for (const name of names) {
      const path = directory === '' ? name : `${directory}/${name}`;
      if ((directory === '' && name.startsWith('.')) || `${root}/${path}` === ignored) continue;
      const type = (await files.stat(`${root}/${path}`))?.type;
      if (type === 'directory') await visit(path);
      else if (type === 'file') found.push(path);
      else throw new Rejection(`${root}/${path}: expected a regular file or a directory, but it is a ${type}`);
    }
  };
  await visit('');
  return found;
};

/** The value if the file is to stand in the document itself: JSON, but not a string that would read as an object's id. */
const inlineValue = async (files: Files, root: string, path: string): Promise<unknown> => {
  if (!path.endsWith('.json')) return undefined;
  const { sizeBytes = 0 } = (await files.stat(`${root}/${path}`)) ?? {};
  if (sizeBytes > STATE_LIMITS.documentBytes) return undefined;
  const text = (await files.read(`${root}/${path}`, STATE_LIMITS.documentBytes))?.toString('utf8') ?? '';
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' && isObjectId(value.toLowerCase()) ? undefined : value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    if (MANIFEST.test(path)) throw new Rejection(`${root}/${path}: expected JSON, but saw: ${error.message}`);
    return undefined;
  }
};

const specOf = async (files: Files, root: string): Promise<string> => {
  const text = (await files.read(`${root}/#spec`, 1024))?.toString('utf8').trim();
  return text === undefined ? STATE_SPEC : text.replace(/^"(.*)"$/, '$1');
};

/** @throws Rejection when the document would not be accepted. */
const checkDocument = (document: string): void => {
  const parsed = parseState(Buffer.from(document), sha256);
  if (!parsed.ok) throw new Rejection(parsed.problems.map(({ message }) => message).join('\n'));
};

/**
 * @param paths absolute. An output inside the directory is not packed itself.
 * @throws Rejection naming the file that cannot be part of a device.
 */
export const packDirectory = async (
  files: Files,
  paths: { readonly directory: string; readonly output: string },
): Promise<Packed> => {
  const { directory, output } = paths;
  const state: [string, unknown][] = [['#spec', await specOf(files, directory)]];
  const objects = new Map<string, TarballObject>();
  for (const path of await filesBelow(files, directory, output)) {
    const fault = keyFault(path, STATE_LIMITS);
    if (fault !== undefined) throw new Rejection(`${directory}/${path}: expected ${fault}`);
    if (path === '#spec') continue;
    const value = await inlineValue(files, directory, path);
    const object = value === undefined ? await objectOf(files, `${directory}/${path}`) : undefined;
    if (object !== undefined) objects.set(object.id, object);
    state.push([path, object === undefined ? value : object.id]);
  }
  const document = canonicalJson(Object.fromEntries(state));
  checkDocument(document);
  const sorted = [...objects.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const archive = tarballOf(Buffer.from(document), sorted, { gzip: /\.(tgz|gz)$/.test(output) });
  await files.writeStream(output, archive, { mode: 0o644, maxBytes: Number.MAX_SAFE_INTEGER });
  return { document, hash: sha256(document), objects: sorted.map(({ id, sizeBytes }) => ({ id, sizeBytes })) };
};

const objectOf = async (files: Files, path: string): Promise<TarballObject> => {
  let sizeBytes = 0;
  const id = await sha256OfStream(files.stream(path), (total) => {
    sizeBytes = total;
  });
  return { id, sizeBytes, content: () => expecting(id, files.stream(path), path) };
};
