/**
 * The OEM's configuration comes with a revision and holds while that runs: the file
 * `<PV_OEM_NAME>/<PV_POLICY or default>.config` of its state.
 */
import type { Paths } from '../../resources/paths.ts';
import { type Entry, fileEntries } from '../config/key-value-entries.ts';
import type { ConfigValues } from '../config/keys.ts';
import type { LiveConfig } from '../config/live-config.ts';
import { DeviceError, type Files } from '../host/host.ts';

/** What a revision's OEM configuration is asked for. */
export interface Oem {
  /** Empty: it brings none that could be read, which was told. */
  read(document: Uint8Array): Promise<readonly Entry[]>;
  /** `PV_UPDATER_GOALS_TIMEOUT`, with which a revision is compiled. */
  goalsTimeoutSeconds(entries: readonly Entry[]): number;
  /** A revision runs from now on. */
  use(entries: readonly Entry[]): void;
}

export interface OemOptions {
  readonly live: LiveConfig;
  readonly files: Pick<Files, 'read'>;
  readonly paths: Pick<Paths, 'storage'>;
  readonly onProblem: (subject: string, message: string) => void;
}

const MAX_BYTES = 64 * 1024;

/** In the state document; undefined: this device has no OEM. */
const keyOf = ({ PV_OEM_NAME: name, PV_POLICY: policy }: ConfigValues): string | undefined =>
  name === undefined || name === ''
    ? undefined
    : `${name}/${policy === undefined || policy === '' ? 'default' : policy}.config`;

/** Documents may be large, and this is asked on the main thread: the text is searched, not parsed. */
const objectNamed = (key: string, document: Uint8Array): string | undefined => {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength);
  const name = JSON.stringify(key);
  for (const written of [name, name.replaceAll('/', '\\/')]) {
    const at = bytes.indexOf(written);
    const value = at < 0 ? '' : bytes.toString('latin1', at + Buffer.byteLength(written), at + written.length + 128);
    const id = /^\s*:\s*"([0-9a-f]{64})"/.exec(value)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
};

export const oemOf = ({ live, files, paths, onProblem }: OemOptions): Oem => {
  const textOf = async (key: string, id: string): Promise<string | undefined> => {
    try {
      const content = await files.read(`${paths.storage}/objects/${id}`, MAX_BYTES);
      if (content?.includes(0) === false) return content.toString();
      onProblem(
        key,
        `the OEM configuration has no effect: ${content === undefined ? 'its object is missing' : 'it is not text'}`,
      );
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      onProblem(key, `the OEM configuration has no effect: ${error.message}`);
    }
    return undefined;
  };
  return {
    read: async (document) => {
      const key = keyOf(live.values);
      const id = key === undefined ? undefined : objectNamed(key, document);
      if (key === undefined || id === undefined) return [];
      return fileEntries((await textOf(key, id)) ?? '', key);
    },
    goalsTimeoutSeconds: (entries) => live.valuesWith(entries).PV_UPDATER_GOALS_TIMEOUT,
    use: live.setOem,
  };
};
