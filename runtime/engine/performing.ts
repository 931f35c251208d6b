/** The only impure line of the loop: runs one action through its controller, with a time limit. */
import type { Action, ActionType } from '../../resources/action.ts';
import { type Clock, DeviceError } from '../host/host.ts';
import { type Controllers, controllerOf } from './controller.ts';

const DEFAULT_TIMEOUT_SECONDS = 30;

/** @throws DeviceError what the device refused, or TIMEOUT. */
export const perform = async (
  controllers: Controllers,
  action: Action,
  clock: Clock,
  stop: AbortSignal,
): Promise<void> => {
  const controller = controllerOf(controllers, action.ref);
  // The table is complete by its mapped type; the lookup alone loses the link between key and argument.
  const execute = controller.execute[action.type as ActionType] as (
    action: Action,
    signal: AbortSignal,
  ) => Promise<void>;
  const seconds = controller.timeoutSeconds?.[action.type as ActionType] ?? DEFAULT_TIMEOUT_SECONDS;

  await inTime(clock, seconds, action.type, action.ref, (timeout) => execute(action, AbortSignal.any([stop, timeout])));
};

/**
 * Waits for the device no longer than that; what it does later on is not waited for.
 * @throws DeviceError TIMEOUT.
 */
export const inTime = async <T>(
  clock: Clock,
  seconds: number,
  what: string,
  subject: string,
  work: (timeout: AbortSignal) => Promise<T>,
): Promise<T> => {
  const timeout = new AbortController();
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const cancel = clock.schedule(clock.nowMs() + seconds * 1000, () => {
    timeout.abort();
    reject(new DeviceError(what, subject, 'TIMEOUT', `did not finish in ${seconds} s`));
  });
  try {
    return await Promise.race([work(timeout.signal), expired]);
  } finally {
    cancel();
  }
};
