/** A state as people have it: a JSON document, an export tarball, or either on standard input. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { readTarball } from '../../store/archive/tarball.ts';

export interface StateInput {
  /** Of the file, without its endings: the drop `web.tgz` becomes revision `locals/web`. */
  readonly name: string;
  readonly document: Buffer;
  /** Sizes of the objects that come along, by id. */
  readonly objects: ReadonlyMap<string, number>;
}

const GZIP = Buffer.from([0x1f, 0x8b]);
/** Where a tar header says what it is. */
const USTAR_AT = 257;

const isTarball = (start: Buffer): boolean =>
  start.subarray(0, 2).equals(GZIP) || start.subarray(USTAR_AT, USTAR_AT + 5).toString('latin1') === 'ustar';

const startOf = async (file: string): Promise<Buffer> => {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
  return buffer.subarray(0, bytesRead);
};

/** @throws Rejection when it is a tarball that is no export. */
export const readStateInput = async (file: string): Promise<StateInput> => {
  const name = basename(file).replace(/\.(json|tgz|tar|tar\.gz)$/, '');
  if (file === '-') return { name: 'stdin', document: await collect(process.stdin), objects: new Map() };
  if (!isTarball(await startOf(file)))
    return { name, document: await collect(createReadStream(file)), objects: new Map() };

  const objects = new Map<string, number>();
  const document = await readTarball(createReadStream(file), {
    missingObjects: async (ids) => [...ids].filter((id) => !objects.has(id)),
    putObject: async (id, content) => {
      let sizeBytes = 0;
      for await (const chunk of content) sizeBytes += chunk.length;
      objects.set(id, sizeBytes);
    },
    // Nothing is stored.
    space: async () => ({ freeBytes: Number.MAX_SAFE_INTEGER }),
  });
  return { name, document, objects };
};

const collect = async (stream: Readable): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};
