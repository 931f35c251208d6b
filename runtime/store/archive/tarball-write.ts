/** Writing export tarballs: the same input gives the same bytes, so that a packed device can be compared and cached. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Header, type Pack, pack } from 'tar-stream';

export interface TarballObject {
  readonly id: string;
  readonly sizeBytes: number;
  content(): AsyncIterable<Uint8Array>;
}

const FIXED = { mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' } satisfies Partial<Header>;

const fill = async (archive: Pack, document: Uint8Array, objects: Iterable<TarballObject>): Promise<void> => {
  const put = async (name: string, size: number, content: AsyncIterable<Uint8Array>): Promise<void> => {
    const entry = archive.entry({ ...FIXED, name, size });
    await pipeline(Readable.from(content), entry as unknown as NodeJS.WritableStream); // streamx's types are not Node's
  };
  await put('json', document.length, Readable.from([document]));
  for (const { id, sizeBytes, content } of objects) await put(`objects/${id}`, sizeBytes, content());
  archive.finalize();
};

/** `json` first, then the objects in the given order. Ends with the error of an object that cannot be read. */
export async function* tarballOf(
  document: Uint8Array,
  objects: Iterable<TarballObject>,
  options: { readonly gzip: boolean },
): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const output = options.gzip ? createGzip({ level: 1 }) : undefined; // squashfs is compressed already
  const piping = output && pipeline(archive as unknown as NodeJS.ReadableStream, output);
  piping?.catch(() => undefined); // the reader of `output` gets the same error
  const filling = fill(archive, document, objects);
  // Whoever reads the archive learns of it there.
  filling.catch((error: Error) => archive.destroy(error));
  try {
    yield* (output ?? archive) as AsyncIterable<Uint8Array>; // both yield bytes
    await filling;
  } finally {
    archive.destroy();
    output?.destroy();
    await filling.catch(() => undefined); // thrown above already, unless the reader has gone
  }
}
