/** A time limit for whatever a device is asked. */
import { type Clock, DeviceError } from './host.ts';

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
