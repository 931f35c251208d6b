/** Several pieces of work at once, but never more than a few. */

/**
 * Takes no new item after the first failure, waits for what was begun, so that nothing goes on behind the caller's back,
 * and throws that failure.
 */
export const atOnce = async <T>(limit: number, items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> => {
  const rest = items[Symbol.iterator]();
  const errors: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true && errors.length === 0; next = rest.next()) {
      try {
        await work(next.value);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (errors.length > 0) throw errors[0];
};
