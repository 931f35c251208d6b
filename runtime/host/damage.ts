/**
 * Files that are damaged: which refusals say so, and reading what the device can do without.
 *
 * A side file (a record of progress, a cached value, a note of the last daemon) must never keep a device from running:
 * what cannot be read is reported and treated as absent, and its next write puts it right.
 */
import { DeviceError, type Files } from './host.ts';

/** Not a file at all, or one that is far too large: it will be the same at the next look. */
const STRUCTURAL = ['EISDIR', 'EINVAL', 'EFBIG', 'ELOOP', 'ENOTDIR', 'ENXIO', 'ENODEV', 'EOPNOTSUPP'];

/** A device that answers at the second or third time is slow, not damaged. */
const ATTEMPTS = 3;

export const isStructural = (error: DeviceError): boolean => STRUCTURAL.includes(error.code);

/** A refusal that says something about this file. A device that does not answer says nothing. */
export const isDamage = (error: unknown): error is DeviceError =>
  error instanceof DeviceError && error.code !== 'TIMEOUT';

/** Tries again what is refused without a reason that lasts. @throws DeviceError the last refusal. */
export const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isDamage(error) || isStructural(error) || attempt === ATTEMPTS) throw error;
    }
  }
};

/** As `patiently`; what is refused for good is reported and is `undefined`. @throws DeviceError TIMEOUT */
export const unlessDamaged = async <T>(
  subject: string,
  onProblem: (subject: string, message: string) => void,
  work: () => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await patiently(work);
  } catch (error) {
    if (!isDamage(error)) throw error;
    onProblem(subject, `cannot be used and is passed over: ${error.message}`);
    return undefined;
  }
};

/** The content of a side file; undefined: there is none, or it is damaged (reported). @throws DeviceError TIMEOUT */
export const readSideFile = (
  files: Pick<Files, 'read'>,
  path: string,
  maxBytes: number,
  onProblem: (subject: string, message: string) => void,
): Promise<Buffer | undefined> => unlessDamaged(path, onProblem, () => files.read(path, maxBytes));
