/** A revision as an export tarball, in pvr's format: everything another device needs to run it. */
import { parseState } from '../../../resources/state-format/state.ts';
import { STATE_LIMITS } from '../../../resources/state-format/state-limits.ts';
import { objectsOf } from '../../../resources/state-format/trail.ts';
import type { Files } from '../../host/host.ts';
import { expecting, sha256 } from '../objects/hash.ts';
import { Rejection } from '../rejection.ts';
import { isRevision } from '../trails/revision.ts';
import { meter, type OnBytes } from './byte-counter.ts';
import { type TarballObject, tarballOf } from './tarball-write.ts';

export interface ExportRequest {
  /** Absolute. */
  readonly storage: string;
  readonly revision: string;
  /** Absolute; gzipped if it ends in .tgz or .gz. Whole, or not there. */
  readonly output: string;
  /** Told how much of the content was read. */
  readonly onBytes?: OnBytes;
}

export interface Exported {
  readonly hash: string;
  readonly objects: number;
  readonly sizeBytes: number;
}

/** The state document of a revision, without opening the store: nothing is written. @throws Rejection */
export const documentOf = async (files: Files, storage: string, revision: string): Promise<Buffer> => {
  if (!isRevision(revision))
    throw new Rejection(`${JSON.stringify(revision)} is no revision: expected 0, a decimal number or locals/<name>`);
  const path = `${storage}/trails/${revision}/.pvr/json`;
  const document = await files.read(path, STATE_LIMITS.documentBytes);
  if (document === undefined) throw new Rejection(`there is no revision ${revision} in ${storage}: ${path} is missing`);
  return document;
};

/** @throws Rejection naming an object that is missing or not what its name says; no output is left then. */
export const exportRevision = async (files: Files, request: ExportRequest): Promise<Exported> => {
  const { storage, revision, output, onBytes = () => undefined } = request;
  const document = await documentOf(files, storage, revision);
  const parsed = parseState(document, sha256);
  if (!parsed.ok) throw new Rejection(parsed.problems.map(({ message }) => message).join('\n'));
  const paths = new Map(objectsOf(parsed.document).map(({ id, path }) => [id, path]));
  const progress = meter(onBytes);
  let total = 0;

  const found: TarballObject[] = [];
  for (const [id, path] of [...paths].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { file, sizeBytes } = await findObject(files, storage, { id, path: `${revision}/${path}` });
    progress.expect(sizeBytes);
    total += sizeBytes;
    found.push({ id, sizeBytes, content: () => progress.through(expecting(id, files.stream(file), file)) });
  }
  const archive = tarballOf(document, found, { gzip: /\.(tgz|gz)$/.test(output) });
  await files.writeStream(output, archive, { mode: 0o644, maxBytes: Number.MAX_SAFE_INTEGER });
  return { hash: parsed.document.hash, objects: found.length, sizeBytes: total };
};

/** In the store, else by the name it has in the trail. */
const findObject = async (
  files: Files,
  storage: string,
  { id, path }: { readonly id: string; readonly path: string },
): Promise<{ readonly file: string; readonly sizeBytes: number }> => {
  for (const file of [`${storage}/objects/${id}`, `${storage}/trails/${path}`]) {
    const stat = await files.stat(file);
    if (stat?.type === 'file') return { file, sizeBytes: stat.sizeBytes };
  }
  throw new Rejection(`${path}: expected the object ${id}, but ${storage} has not got it`);
};
