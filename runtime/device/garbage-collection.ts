/** When garbage is collected: on demand, when the disk is low or full, and after a commit. */
import { startJob } from '../engine/job.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import { type CollectRequest, IN_DOUBT } from '../store/space/housekeeping.ts';
import type { Reserve } from '../store/space/reserve.ts';
import type { Store } from '../store/store.ts';

export interface CollectingLimits {
  /** Percent that must be available; 0: no matter. */
  readonly thresholdPercent: number;
  /** What is collected without anybody asking spares objects that are younger. */
  readonly defertimeSeconds: number;
}

export interface CollectingOptions {
  readonly store: Store;
  readonly reserve: Pick<Reserve, 'restore'>;
  readonly clock: Clock;
  /** Asked whenever they count. */
  readonly limits: () => CollectingLimits;
  readonly onProblem: (subject: string, message: string) => void;
  readonly onBug: (error: unknown) => void;
}

export interface Collecting {
  /** @returns bytes. @throws DeviceError */
  collect(request?: CollectRequest): Promise<number>;
  /** There was no room even for a few bytes. */
  isFull(): void;
  /** Called whenever the update changes; another revision than before means a commit. */
  committed(revision: string): void;
  stop(): void;
}

const LOOK_EVERY_MS = 60_000;
const SUBJECT = 'storage';
const FACTORY = '0';

export const startCollecting = (options: CollectingOptions): Collecting => {
  const { store, reserve, clock, limits, onProblem, onBug } = options;
  const stopping = new AbortController();
  let lastCommitted: string | undefined;
  /** Collections that are due, in order; one that the device refuses stays due. */
  const due: CollectRequest[] = [];
  let isMeasuring = false;

  /** Not to have the reserve is a problem, and nothing that anybody could do something about. */
  const restoreReserve = async (): Promise<void> => {
    try {
      await reserve.restore();
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (!(error instanceof DeviceError)) throw error;
      onProblem(SUBJECT, `the emergency reserve could not be made: ${error.message}`);
    }
  };
  const collect = async (request: CollectRequest = {}): Promise<number> => {
    const bytes = await store.collect({ ...request, signal: stopping.signal });
    await restoreReserve();
    return bytes;
  };
  const isLow = async (): Promise<boolean> => {
    const { availableBytes, totalBytes } = await store.space();
    return availableBytes * 100 < limits().thresholdPercent * totalBytes;
  };

  const notCollected = (message: string): void => onProblem(SUBJECT, `garbage could not be collected: ${message}`);
  /** In doubt about what is committed nothing is collected, however often it is tried: the next commit ends that. */
  const unlessInDoubt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DeviceError) || error.code !== IN_DOUBT) throw error;
      notCollected(error.message);
    }
  };

  const job = startJob({
    name: 'garbage collection',
    clock,
    work: async () => {
      for (let next = due[0]; next !== undefined; next = due[0]) {
        await unlessInDoubt(() => collect(next));
        due.shift();
      }
      // Nobody looks while there is no threshold.
      isMeasuring = limits().thresholdPercent > 0;
      if (!isMeasuring) return undefined;
      if (await isLow()) await unlessInDoubt(() => collect({ youngSeconds: limits().defertimeSeconds }));
      return clock.nowMs() + LOOK_EVERY_MS;
    },
    onProblem: notCollected,
    onBug,
  });
  const demand = (request: CollectRequest): void => {
    due.push(request);
    job.run();
  };

  void restoreReserve().catch(onBug);
  job.run();
  return {
    collect,
    isFull: () => {
      onProblem(SUBJECT, 'the disk is full: the emergency reserve is in use, and garbage is collected');
      demand({});
    },
    committed: (revision) => {
      const previous = lastCommitted;
      lastCommitted = revision;
      // The configuration may have got a threshold meanwhile.
      if (!isMeasuring && limits().thresholdPercent > 0) job.run();
      // One step back stays possible without bringing everything again, and so does the last resort.
      if (previous !== undefined && previous !== revision)
        demand({ keep: [previous, FACTORY], youngSeconds: limits().defertimeSeconds });
    },
    stop: () => {
      stopping.abort();
      job.stop();
    },
  };
};
