/** Looking at how a stream begins, to tell what it is, without taking anything away from it. */

/** `head`: at least `bytes` of it, fewer only if it has no more. `content`: all of it, `head` included. */
export const peek = async (
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ readonly head: Buffer; readonly content: AsyncIterable<Uint8Array> }> => {
  const reading = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let done = false;
  while (!done && head.length < bytes) {
    const next = await reading.next();
    done = next.done === true;
    if (next.done !== true) head = Buffer.concat([head, next.value]);
  }
  async function* content(): AsyncGenerator<Uint8Array> {
    try {
      yield head;
      yield* { [Symbol.asyncIterator]: () => reading };
    } finally {
      await reading.return?.();
    }
  }
  return { head, content: content() };
};
