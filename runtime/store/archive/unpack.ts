/**
 * The inverse of pack.ts: an export tarball as a directory. Nothing is written outside the directory, and a tarball that
 * cannot be used leaves it as it was.
 */
import { parseState, STATE_SPEC, type StateDocument } from '../../../resources/state-format/state.ts';
import type { Files } from '../../host/host.ts';
import { expecting, sha256 } from '../objects/hash.ts';
import { openObjects } from '../objects/objects.ts';
import { openVerified } from '../objects/verified-files.ts';
import { Rejection } from '../rejection.ts';
import { readTarball, TARBALL_LIMITS, type TarballLimits } from './tarball.ts';

/** Where the objects wait until the document says what they are called. */
const POOL = '.pvr/objects';

/**
 * @param paths absolute. The directory must not exist or be empty.
 * @throws Rejection naming the entry or key and what was expected.
 */
export const unpackTarball = async (
  files: Files,
  paths: { readonly archive: string; readonly directory: string },
  limits: TarballLimits = TARBALL_LIMITS,
): Promise<StateDocument> => {
  const { archive, directory } = paths;
  if ((await files.stat(archive))?.type !== 'file') throw new Rejection(`${archive}: expected a tarball`);
  const before = await files.list(directory);
  if (before !== undefined && before.length > 0) throw new Rejection(`${directory}: expected an empty directory`);
  try {
    await files.makeDirectory(`${directory}/${POOL}`, 0o755);
    const document = await readInto(files, archive, directory, limits);
    await checkOut(files, document, directory);
    await files.remove(`${directory}/.pvr`);
    return document;
  } catch (error) {
    await files.remove(directory);
    if (before !== undefined) await files.makeDirectory(directory, 0o755);
    throw error;
  }
};

const readInto = async (
  files: Files,
  archive: string,
  directory: string,
  limits: TarballLimits,
): Promise<StateDocument> => {
  const pool = `${directory}/${POOL}`;
  const objects = openObjects({
    files,
    directory: pool,
    verified: await openVerified(files),
    isUsed: async () => false,
    onProblem: () => undefined,
  });
  const sink = { missingObjects: objects.missing, putObject: objects.put, space: () => files.space(pool) };
  const parsed = parseState(await readTarball(files.stream(archive), sink, limits), sha256);
  if (!parsed.ok) throw new Rejection(parsed.problems.map(({ message }) => `json: ${message}`).join('\n'));
  const ids = [...parsed.document.entries.values()].flatMap((entry) => (entry.type === 'object' ? [entry.id] : []));
  const missing = await objects.missing(ids);
  if (missing.length > 0)
    throw new Rejection(`${archive}: expected the objects ${missing.join(', ')}, but has not got them`);
  return parsed.document;
};

/** Copies, not links: a person edits these files, and two of them may have been one object. */
const checkOut = async (files: Files, document: StateDocument, directory: string): Promise<void> => {
  for (const [key, entry] of document.entries) {
    if (key === '#spec' && entry.type === 'json' && entry.value === STATE_SPEC) continue;
    const path = `${directory}/${key}`;
    const parent = path.slice(0, path.lastIndexOf('/'));
    await files.makeDirectory(parent, 0o755);
    if (entry.type === 'json') {
      await files.write(path, entry.text, 0o644);
    } else {
      const content = expecting(entry.id, files.stream(`${directory}/${POOL}/${entry.id}`), entry.id);
      await files.writeStream(path, content, { mode: 0o644, maxBytes: Number.MAX_SAFE_INTEGER });
    }
  }
};
