/** sha256 of objects and of state documents. */
import { createHash } from 'node:crypto';
import { parseState } from '../../../resources/state-format/state.ts';
import { Rejection } from '../rejection.ts';

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** sha256 of a stream's content; `onBytes` sees the running total and may throw to end it. */
export const sha256OfStream = async (
  content: AsyncIterable<Uint8Array>,
  onBytes: (total: number) => void = () => undefined,
): Promise<string> => {
  const hash = createHash('sha256');
  let total = 0;
  for await (const chunk of content) {
    total += chunk.length;
    onBytes(total);
    hash.update(chunk);
  }
  return hash.digest('hex');
};

/** Passes content on; ends with a Rejection when its sum is not `id`, e.g. because `source` was written to meanwhile. */
export async function* expecting(
  id: string,
  content: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = hash.digest('hex');
  if (actual !== id) throw new Rejection(`${source}: expected the sha256 ${id}, but saw ${actual}`);
}

/** The hash of a state document (see StateDocument); of its bytes when it is none, so that even that can be named. */
export const stateHash = (bytes: Uint8Array): string => {
  const parsed = parseState(bytes, sha256);
  return parsed.ok ? parsed.document.hash : sha256(bytes);
};
