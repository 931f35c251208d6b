/**
 * The ledger: what we did to the device, one small file per resource under the run directory.
 *
 * The device itself is the truth (mounts, living containers); the ledger holds what it cannot tell: from which
 * definition a container was installed, when it started, how it ended, which zram device is whose. An entry is written
 * before the deed, so that a daemon that dies in between finds its half-done work. All entries are of one boot: on
 * the first look after a reboot the ledger is emptied, as is what it described.
 */
import { readSideFile } from '../host/damage.ts';
import type { Files } from '../host/host.ts';
import { entryFault, type Section } from './ledger-entries.ts';

export type { Section } from './ledger-entries.ts';

const ENTRY_LIMIT_BYTES = 1 << 20;

export interface Ledger {
  /** undefined: no entry, or one that is damaged or of another shape (reported): the resource is observed anew. */
  get<T>(section: Section, name: string): Promise<T | undefined>;
  put<T>(section: Section, name: string, entry: T): Promise<void>;
  remove(section: Section, name: string): Promise<void>;
  names(section: Section): Promise<readonly string[]>;
}

/** @param directory below the run directory; created when missing. */
export const openLedger = async (
  files: Files,
  directory: string,
  bootId: string,
  onProblem: (subject: string, message: string) => void = () => undefined,
): Promise<Ledger> => {
  const bootFile = `${directory}/boot_id`;
  await files.makeDirectory(directory, 0o700);
  if ((await readSideFile(files, bootFile, ENTRY_LIMIT_BYTES, onProblem))?.toString() !== bootId) {
    for (const name of (await files.list(directory)) ?? []) await files.remove(`${directory}/${name}`);
    await files.write(bootFile, bootId, 0o600);
  }

  const known = new Map<string, unknown>();
  /** What every file is to hold by now, undefined: not be there. */
  const latest = new Map<string, string | undefined>();
  /** A write that was given up may land late: what came after it is written once more. @returns the last word. */
  const settle = async (path: string): Promise<string | undefined> => {
    for (;;) {
      const content = latest.get(path);
      await (content === undefined ? files.remove(path) : files.write(path, content, 0o600));
      if (latest.get(path) === content) return content;
    }
  };
  const pathOf = (section: Section, name: string): string => `${directory}/${section}/${encodeURIComponent(name)}.json`;
  return {
    async get<T>(section: Section, name: string) {
      const path = pathOf(section, name);
      if (!known.has(path)) known.set(path, await readEntry(files, path, [section, name], onProblem));
      return known.get(path) as T | undefined; // its shape was checked, or `put` of the same section wrote it
    },
    async put(section, name, entry) {
      const path = pathOf(section, name);
      const content = JSON.stringify(entry);
      latest.set(path, content);
      await files.makeDirectory(`${directory}/${section}`, 0o700);
      if ((await settle(path)) === content) known.set(path, entry);
    },
    async remove(section, name) {
      const path = pathOf(section, name);
      latest.set(path, undefined);
      if ((await settle(path)) === undefined) known.delete(path);
    },
    async names(section) {
      const found = (await files.list(`${directory}/${section}`)) ?? [];
      return found.flatMap(nameIn);
    },
  };
};

/** None: not a name that `put` makes. */
const nameIn = (file: string): readonly string[] => {
  const encoded = file.slice(0, -'.json'.length);
  if (!file.endsWith('.json') || file.startsWith('.') || /%(?![0-9A-F]{2})/.test(encoded)) return [];
  try {
    return [decodeURIComponent(encoded)];
  } catch (error) {
    if (error instanceof URIError) return []; // escapes of bytes that are no UTF-8
    throw error;
  }
};

const readEntry = async (
  files: Files,
  path: string,
  [section, name]: readonly [Section, string],
  onProblem: (subject: string, message: string) => void,
): Promise<unknown> => {
  const text = (await readSideFile(files, path, ENTRY_LIMIT_BYTES, onProblem))?.toString();
  if (text === undefined) return undefined;
  const entry = parsedOf(text);
  const fault = entryFault(section, name, entry);
  if (fault === undefined) return entry;
  onProblem(path, `is not an entry of this daemon's ledger and is passed over: ${fault}`);
  return undefined;
};

const parsedOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // no schema accepts it
    throw error;
  }
};
