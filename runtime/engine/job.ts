/**
 * A job: work of the daemon that is no step of a resource (it reads a directory, verifies or collects objects), on the
 * engine's own scheduling.
 *
 * In: triggers, and times that the work itself asks for. Out: one run at a time. A trigger that comes during a run leads
 * to one more; what the device refuses is tried again after the delays that actions have; a problem is reported once
 * until it changes. Nothing is scheduled while nothing is due. Any throw but a DeviceError is our bug.
 */
import { Subject } from 'rxjs';
import { type Clock, DeviceError } from '../host/host.ts';
import { retryDelayMs } from './retry-delay.ts';
import { serialByKey } from './serial-by-key.ts';

export interface JobOptions {
  readonly name: string;
  readonly clock: Clock;
  /**
   * @returns when it is to run again though nothing triggers it (monotonic); undefined: not before it is triggered
   * @throws DeviceError what the device refused; the job runs again later
   */
  readonly work: (signal: AbortSignal) => Promise<number | undefined>;
  readonly onProblem: (message: string) => void;
  /** Called once, with our bug; the job has ended. */
  readonly onBug: (error: unknown) => void;
}

export interface Job {
  /** Runs now, or once more when the present run is over. */
  run(): void;
  /** Ends it; a run that is under way is told by its signal, and what it throws is ignored. */
  stop(): void;
}

export const startJob = ({ name, clock, work, onProblem, onBug }: JobOptions): Job => {
  const triggers = new Subject<string>();
  let failures = 0;
  let told: string | undefined;
  let cancel: (() => void) | undefined;

  const scheduleAt = (atMs: number): void => {
    cancel = clock.schedule(atMs, () => triggers.next(name));
  };
  const refused = ({ message }: DeviceError): number => {
    failures += 1;
    if (message !== told) onProblem(message);
    told = message;
    return clock.nowMs() + retryDelayMs(failures);
  };
  const step = async (_: string, signal: AbortSignal): Promise<void> => {
    cancel?.();
    cancel = undefined;
    let nextMs: number | undefined;
    try {
      nextMs = await work(signal);
      failures = 0;
      told = undefined;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DeviceError)) throw error;
      nextMs = refused(error);
    }
    if (nextMs !== undefined && !signal.aborted) scheduleAt(nextMs);
  };

  const running = triggers.pipe(serialByKey(step)).subscribe({ error: onBug });
  return {
    run: () => triggers.next(name),
    stop: () => {
      cancel?.();
      running.unsubscribe();
    },
  };
};
