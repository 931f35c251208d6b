/** The signals that end the daemon, and that nothing else may lose. */
import { setImmediate as nextTurn } from 'node:timers/promises';

const ENDINGS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export interface Listening {
  /** Handled for good: with the handler gone, a second signal would end the daemon in the middle of its work. */
  readonly first: Promise<NodeJS.Signals>;
  /** Whether one has come: the next program in this process would never know of it. */
  any(): Promise<boolean>;
  stop(): void;
}

export const startListening = (): Listening => {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let isTold = false;
  const tell = (signal: NodeJS.Signals): void => {
    isTold = true;
    resolve(signal);
  };
  for (const signal of ENDINGS) process.on(signal, tell);
  return {
    first: promise,
    any: async () => {
      await nextTurn(); // in which a signal that was caught already is told
      return isTold;
    },
    stop: () => {
      for (const signal of ENDINGS) process.off(signal, tell);
    },
  };
};
