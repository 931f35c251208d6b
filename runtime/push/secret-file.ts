/** Files that nobody but root may read. */
import { DeviceError, type Files, type Inspected } from '../host/host.ts';

const OTHERS = 0o077;

/** Why a file is no place for a secret; undefined: it is one. */
export const exposure = (path: string, { stat }: Inspected): string | undefined => {
  if (stat.owner !== 0) return `${path} belongs to the user ${stat.owner}, expected root: chown root ${path}`;
  if ((stat.mode & OTHERS) === 0) return undefined;
  return `${path} has the mode ${stat.mode.toString(8).padStart(4, '0')}, which lets others than root use it: chmod 600 ${path}`;
};

/** A file's content, or in one sentence why there is none. */
export const readNamed = async (
  files: Pick<Files, 'inspect'>,
  key: string,
  path: string,
  maxBytes: number,
): Promise<Inspected | string> => {
  try {
    return (await files.inspect(path, maxBytes)) ?? `${key} is ${path}, but there is no such file`;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return `${key} is ${path}, which cannot be read: ${error.message}`;
  }
};
