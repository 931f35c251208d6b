/** What can be added: a tarball of an export, raw, gzip or bzip2, told by content; or a state document. */
import { STATE_SPEC } from '../../resources/state-format/state.ts';
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import { splitState } from '../../resources/state-format/state-text.ts';
import { peek } from '../store/archive/stream-head.ts';
import { type ObjectSink, readTarball, TARBALL_LIMITS } from '../store/archive/tarball.ts';
import type { Parts } from './merge.ts';
import { EXIT, TransactionError } from './transaction-error.ts';

/** Anything with an end; `name` is for people. */
export interface Input {
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Unpacks bzip2. @throws Rejection when it is damaged, or nothing here can. */
export type Decompress = (content: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** Where the objects of a tarball go. */
export type Store = Pick<ObjectSink, 'putObject'>;

const HEAD_BYTES = 512;
const USTAR_AT = 257;
const BZIP2 = Buffer.from('BZh');
const GZIP = Buffer.from([0x1f, 0x8b]);

/** Pantavisor's tools leave files of their own in a tarball. */
const LIMITS = { ...TARBALL_LIMITS, foreign: 'skipped' } as const;

const startsWith = (head: Buffer, magic: Buffer): boolean => head.subarray(0, magic.length).equals(magic);

const isTar = (head: Buffer): boolean =>
  startsWith(head, GZIP) || head.subarray(USTAR_AT, USTAR_AT + 5).toString('latin1') === 'ustar';

const collect = async (content: AsyncIterable<Uint8Array>, name: string): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of content) {
    total += chunk.length;
    if (total > STATE_LIMITS.documentBytes)
      throw new TransactionError(EXIT.failed, `${name}: a document has at most ${STATE_LIMITS.documentBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const sinkOf = ({ putObject }: Store): ObjectSink => ({
  putObject,
  missingObjects: async (ids) => [...ids],
  // Whoever stores them knows what room there is, and says so.
  space: async () => ({ freeBytes: Number.MAX_SAFE_INTEGER }),
});

/** The bytes of the state fragment, after every object has been stored. @throws Rejection, TransactionError, DeviceError */
export const readParts = async (
  { name, content }: Input,
  store: Store,
  decompress: Decompress,
): Promise<{ readonly isTarball: boolean; readonly fragment: Buffer }> => {
  const start = await peek(content, HEAD_BYTES);
  if (startsWith(start.head, BZIP2))
    return { isTarball: true, fragment: await readTarball(decompress(start.content), sinkOf(store), LIMITS) };
  if (isTar(start.head)) return { isTarball: true, fragment: await readTarball(start.content, sinkOf(store), LIMITS) };
  return { isTarball: false, fragment: await collect(start.content, name) };
};

/** The keys of a document with the text of each value. @throws TransactionError with everything that is wrong with it. */
export const partsOf = (document: Uint8Array, name: string): Parts => {
  const { entries, problems } = splitState(document, STATE_LIMITS);
  if (problems.length > 0)
    throw new TransactionError(EXIT.failed, problems.map(({ message }) => `${name}: ${message}`).join('\n'));
  const parts = new Map(entries.map(({ key, text }) => [key, text]));
  const spec = parts.get('#spec');
  if (spec !== undefined && spec !== JSON.stringify(STATE_SPEC))
    throw new TransactionError(EXIT.failed, `${name}: #spec is ${spec.slice(0, 60)}, expected "${STATE_SPEC}"`);
  return parts;
};
