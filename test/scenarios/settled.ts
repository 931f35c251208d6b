/** Waiting for a simulated device. */
import type { SimulatedHost } from '../../runtime/host/simulated/simulated.ts';

const LIMIT_MS = 600_000;

/** A fault of the device ended the daemon: go on with `restarted()`. */
export class DaemonDied extends Error {}

/** Lets the simulated device do its part while we wait for a promise. */
export const settled = async <T>(host: SimulatedHost, promise: Promise<T>): Promise<T> => {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => {});
  const isAnswered = await host.runUntil(() => done || host.crashed, LIMIT_MS);
  if (host.crashed || !isAnswered) throw new DaemonDied('the device never answered');
  return watched;
};
