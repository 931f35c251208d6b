/** When garbage is collected: on demand, when the disk is low or full, and after a commit. */
import { type Clock, DeviceError } from '../host/host.ts';
import type { CollectRequest } from '../store/space/housekeeping.ts';
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
  /** Read whenever they count. */
  readonly limits: CollectingLimits;
  readonly onProblem: (subject: string, message: string) => void;
}

export interface Collecting {
  /** @returns bytes. @throws DeviceError */
  collect(request?: CollectRequest): Promise<number>;
  /** There was no room even for a few bytes. */
  isFull(): void;
  /** Told at every look; another one than before means a commit. */
  committed(revision: string): void;
  stop(): void;
}

const LOOK_EVERY_MS = 60_000;
const SUBJECT = 'storage';
const FACTORY = '0';

export const startCollecting = (options: CollectingOptions): Collecting => {
  const { store, reserve, clock, limits, onProblem } = options;
  const stopping = new AbortController();
  let lastCommitted: string | undefined;
  let cancelTimer: (() => void) | undefined;

  const collect = async (request: CollectRequest = {}): Promise<number> => {
    const bytes = await store.collect({ ...request, signal: stopping.signal });
    await attempt('the emergency reserve could not be made', () => reserve.restore());
    return bytes;
  };

  /** The device said no: told, and tried again at the next occasion. */
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (!(error instanceof DeviceError)) throw error;
      onProblem(SUBJECT, `${what}: ${error.message}`);
    }
  };
  const inBackground = (request: CollectRequest): void =>
    void attempt('garbage could not be collected', () => collect(request));

  /** Nobody looks while there is no threshold. */
  const lookAtThreshold = (): void => {
    cancelTimer = undefined;
    if (limits.thresholdPercent <= 0) return;
    void attempt('the free space could not be told', async () => {
      const { availableBytes, totalBytes } = await store.space();
      if (availableBytes * 100 < limits.thresholdPercent * totalBytes)
        inBackground({ youngSeconds: limits.defertimeSeconds });
    });
    cancelTimer = clock.schedule(clock.nowMs() + LOOK_EVERY_MS, lookAtThreshold);
  };

  void attempt('the emergency reserve could not be made', () => reserve.restore());
  lookAtThreshold();
  return {
    collect,
    isFull: () => {
      onProblem(SUBJECT, 'the disk is full: the emergency reserve is in use, and garbage is collected');
      inBackground({});
    },
    committed: (revision) => {
      if (cancelTimer === undefined) lookAtThreshold();
      const previous = lastCommitted;
      lastCommitted = revision;
      // One step back stays possible without bringing everything again, and so does the last resort.
      if (previous !== undefined && previous !== revision)
        inBackground({ keep: [previous, FACTORY], youngSeconds: limits.defertimeSeconds });
    },
    stop: () => {
      stopping.abort();
      cancelTimer?.();
    },
  };
};
