/**
 * The ledger: what we did to the device, one small file per resource under the run directory.
 *
 * The device itself is the truth (mounts, living containers); the ledger holds what it cannot tell: from which
 * definition a container was installed, when it started, how it ended, which zram device is whose. An entry is written
 * before the deed, so that a daemon that dies in between finds its half-done work. All entries are of one boot: on
 * the first look after a reboot the ledger is emptied, as is what it described.
 */
import type { Kind } from '../../resources/catalog.ts';
import { DeviceError, type Files } from '../host/host.ts';

const ENTRY_LIMIT_BYTES = 1 << 20;

export interface Ledger {
  /** undefined: no entry, or one that cannot be understood (an unclean run directory). */
  get<T>(section: Section, name: string): Promise<T | undefined>;
  put<T>(section: Section, name: string, entry: T): Promise<void>;
  remove(section: Section, name: string): Promise<void>;
  names(section: Section): Promise<readonly string[]>;
}

export type Section = Kind | 'intent';

/** @param directory below the run directory; created when missing. */
export const openLedger = async (files: Files, directory: string, bootId: string): Promise<Ledger> => {
  const bootFile = `${directory}/boot_id`;
  await files.makeDirectory(directory, 0o700);
  if ((await files.read(bootFile, ENTRY_LIMIT_BYTES))?.toString() !== bootId) {
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
      if (!known.has(path)) known.set(path, await readEntry(files, path));
      return known.get(path) as T | undefined; // only `put` of the same section wrote it
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
      return found.filter(isEntry).map((name) => decodeURIComponent(name.slice(0, -'.json'.length)));
    },
  };
};

const isEntry = (name: string): boolean => name.endsWith('.json') && !name.startsWith('.');

const readEntry = async (files: Files, path: string): Promise<unknown> => {
  const bytes = await files.read(path, ENTRY_LIMIT_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new DeviceError('ledger.read', path, 'EBADMSG', 'not JSON; remove the file', { cause });
  }
};
