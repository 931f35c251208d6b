/** `boot/uboot.txt`: NUL-separated `key=value` entries, as U-Boot's script and Pantavisor read them (updates.md §6). */
import type { Files } from '../host/host.ts';
import type { Bootloader, BootValues } from './bootloader.ts';

const FILE_BYTES = 65_536;
const MAX_ENTRY_BYTES = 127;
const OURS = ['pv_rev', 'pv_try', 'pv_trying'] as const;

/** Entries by key, in file order. Later duplicates win; text without `=` is no entry. */
export const parseUboot = (content: Buffer): Map<string, string> => {
  const entries = content
    .subarray(0, FILE_BYTES)
    .toString('latin1') // byte for byte: foreign values need not be UTF-8
    .split('\0')
    .filter((entry) => entry.indexOf('=') > 0);
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
};

/**
 * The whole file. Our keys come first, because Pantavisor reads only the first 1024 bytes.
 * @throws Error when they do not fit.
 */
export const formatUboot = (entries: ReadonlyMap<string, string>): Buffer => {
  const isOurs = (key: string): boolean => OURS.some((ours) => ours === key);
  // In a fixed order, too: Pantavisor takes the first entry that begins with `pv_try`, also `pv_trying`.
  const ours = OURS.flatMap((key): [string, string][] => (entries.has(key) ? [[key, entries.get(key) ?? '']] : []));
  const ordered = [...ours, ...[...entries].filter(([key]) => !isOurs(key))];
  const text = ordered.map(([key, value]) => `${key}=${value}\0`).join('');
  if (text.length > FILE_BYTES) throw new Error(`boot variables need ${text.length} bytes of ${FILE_BYTES}`);
  const content = Buffer.alloc(FILE_BYTES);
  content.write(text, 'latin1');
  return content;
};

const checkEntry = (key: string, value: string): void => {
  if (key.length + 1 + value.length > MAX_ENTRY_BYTES || value.includes('\0'))
    throw new Error(`boot variable ${key}: expected at most ${MAX_ENTRY_BYTES} bytes without NUL, but saw ${value}`);
};

export const ubootBootloader = (files: Files, path: string): Bootloader => {
  const load = (): Promise<Buffer | undefined> => files.read(path, 1 << 20);
  // Read-modify-write: two at a time would lose one of the changes.
  let previous: Promise<unknown> = Promise.resolve();

  const change = async (changes: BootValues): Promise<void> => {
    const before = await load();
    const entries = before === undefined ? new Map<string, string>() : parseUboot(before);
    for (const [key, value] of Object.entries(changes)) {
      checkEntry(key, value);
      entries.set(key, value);
    }
    const after = formatUboot(entries);
    if (before === undefined || !after.equals(before)) await files.write(path, after, 0o644);
  };

  return {
    read: async () => {
      const content = await load();
      if (content === undefined) return undefined;
      const entries = parseUboot(content);
      return Object.fromEntries(OURS.map((key) => [key, entries.get(key) ?? '']).filter(([, value]) => value !== ''));
    },
    write: (changes) => {
      const written = previous.then(() => change(changes));
      previous = written.catch(() => undefined); // its caller has the error; the next write starts afresh
      return written;
    },
  };
};
