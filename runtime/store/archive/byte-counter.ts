/** Counts what streams past, for a progress bar. */

/** Told how many bytes are done, of how many. */
export type OnBytes = (done: number, total: number) => void;

export interface Meter {
  /** Raises the total. */
  expect(bytes: number): void;
  /** Passes content on, counted. */
  through(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
}

export const meter = (onBytes: OnBytes): Meter => {
  let [done, total] = [0, 0];
  return {
    expect: (bytes) => {
      total += bytes;
    },
    through: async function* (content) {
      for await (const chunk of content) {
        done += chunk.length;
        onBytes(done, total);
        yield chunk;
      }
    },
  };
};
