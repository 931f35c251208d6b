/** Work that goes on while its caller prepares more, but never more than a few pieces of it. */

export interface InFlight {
  /** Begins a piece of work, as soon as there is room for it. @throws what an earlier piece threw. */
  begin(work: () => Promise<void>): Promise<void>;
  /** Waits for all. @throws the first failure. */
  land(): Promise<void>;
}

export const inFlight = (limit: number): InFlight => {
  const flying = new Set<Promise<void>>();
  const errors: unknown[] = [];
  const check = (): void => {
    if (errors.length > 0) throw errors[0];
  };
  return {
    begin: async (work) => {
      while (flying.size >= limit) await Promise.race(flying);
      check();
      const piece: Promise<void> = work()
        .catch((error: unknown) => void errors.push(error))
        .finally(() => flying.delete(piece));
      flying.add(piece);
    },
    land: async () => {
      await Promise.all(flying);
      check();
    },
  };
};
