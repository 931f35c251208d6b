/** Node's errors of the file system, told in the port's words. */
import { DeviceError } from '../../host.ts';

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);

/** ENOTDIR is absence as well: a parent of the path is a file. */
export const isAbsence = (error: unknown): boolean => hasCode(error, 'ENOENT', 'ENOTDIR');

/** A DeviceError stays what it is; what carries no errno is our bug and is thrown on unchanged. */
export const refusal = (operation: string, subject: string, error: unknown): unknown => {
  if (error instanceof DeviceError || !(error instanceof Error)) return error;
  if (!('errno' in error) || !('code' in error) || typeof error.code !== 'string') return error;
  return new DeviceError(operation, subject, error.code, '', { cause: error });
};

/** Runs `work`, turning what the system refuses into a DeviceError. */
export const attempt = async <T>(operation: string, subject: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw refusal(operation, subject, error);
  }
};

/** As `attempt`, with absence as a value. */
export const attemptUnlessAbsent = async <T>(
  operation: string,
  subject: string,
  work: () => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await work();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw refusal(operation, subject, error);
  }
};
