/** Whose word about a server's name is trusted: the system's authorities, and those in a directory of this device. */
import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import { DeviceError, type Files } from '../../host/host.ts';

const MAX_BYTES = 1024 * 1024;
const MAX_FILES = 256;

/**
 * PEM. A file that is no certificate is named and passed over: it must not lock the device out.
 * @param directory `PV_LIBTHTTP_CERTSDIR`; need not exist
 */
export const trustedAuthorities = async (
  files: Pick<Files, 'list' | 'read'>,
  directory: string,
  onProblem: (subject: string, message: string) => void,
): Promise<readonly string[]> => {
  const system = getCACertificates('system');
  const found = [...(system.length > 0 ? system : getCACertificates('bundled'))];
  const read = async (path: string): Promise<string | undefined> => {
    try {
      const text = (await files.read(path, MAX_BYTES))?.toString();
      if (text === undefined) return undefined;
      void new X509Certificate(text);
      return text;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      onProblem(path, `no certificate, ignored: ${error.message}`);
      return undefined;
    }
  };
  try {
    for (const name of ((await files.list(directory)) ?? []).slice(0, MAX_FILES)) {
      const text = await read(`${directory}/${name}`);
      if (text !== undefined) found.push(text);
    }
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    onProblem(directory, error.message);
  }
  return found;
};
