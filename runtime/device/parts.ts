/**
 * A running device as a list of parts: each is started when those before it are up, and stopped before they are.
 *
 * A part that cannot start ends the start as it is: the process ends, containers go on running, and the next start is the
 * recovery. Stopping goes on past a part that fails to stop, and throws what it threw in the end.
 */
export interface Part<Why> {
  readonly name: string;
  readonly stop: (why: Why) => Promise<void> | void;
}

export interface Parts<Why> {
  /** Names in the order in which they were started. */
  readonly names: readonly string[];
  /** Starts a part. @returns what `start` returned @throws what it threw */
  add<T>(
    name: string,
    start: () => Promise<T> | T,
    stop?: (part: T, why: Why) => Promise<unknown> | unknown,
  ): Promise<T>;
  /** Stops every part, the last one first. @throws the first failure, when all have been asked to stop */
  stop(why: Why): Promise<void>;
}

export const openParts = <Why>(onStarted: (name: string) => void = () => undefined): Parts<Why> => {
  const parts: Part<Why>[] = [];
  const names: string[] = [];
  return {
    names,
    add: async (name, start, stop) => {
      const part = await start();
      names.push(name);
      parts.push({ name, stop: async (why) => void (await stop?.(part, why)) });
      onStarted(name);
      return part;
    },
    stop: async (why) => {
      const failures: unknown[] = [];
      for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
        try {
          await part.stop(why);
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
};
