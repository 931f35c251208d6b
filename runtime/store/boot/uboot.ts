/** `boot/uboot.txt`: NUL-separated `key=value` entries, as U-Boot's script and Pantavisor read them. */
import type { Files } from '../../host/host.ts';
import { bootFile, DoesNotFit } from './boot-file.ts';
import { BOOT_VARIABLES, type Bootloader } from './bootloader.ts';

const FILE_BYTES = 65_536;
/** All that Pantavisor reads. */
const USUAL_BYTES = 1024;
const MAX_ENTRY_BYTES = 127;
const NOTHING = Buffer.alloc(FILE_BYTES - USUAL_BYTES);

/** Entries by key, in file order. Later duplicates win; text without `=` is no entry. */
export const parseUboot = (content: Buffer): Map<string, string> => {
  // Nearly all of it is NUL, and it is read at every look at the update.
  const rest = content.subarray(USUAL_BYTES, FILE_BYTES);
  const isEmpty = rest.equals(NOTHING.subarray(0, rest.length));
  const text = content.subarray(0, isEmpty ? USUAL_BYTES : FILE_BYTES).toString('latin1'); // byte for byte: foreign values need not be UTF-8
  const entries = (text.match(/[^\0]+/g) ?? []).filter((entry) => entry.indexOf('=') > 0);
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
};

/**
 * The whole file. Our keys come first, because Pantavisor reads only the first 1024 bytes.
 * @throws DoesNotFit when they do not fit.
 */
export const formatUboot = (entries: ReadonlyMap<string, string>): Buffer => {
  const isOurs = (key: string): boolean => BOOT_VARIABLES.some((ours) => ours === key);
  // In a fixed order, too: Pantavisor takes the first entry that begins with `pv_try`, also `pv_trying`.
  const ours = BOOT_VARIABLES.flatMap((key): [string, string][] =>
    entries.has(key) ? [[key, entries.get(key) ?? '']] : [],
  );
  const ordered = [...ours, ...[...entries].filter(([key]) => !isOurs(key))];
  const text = ordered.map(([key, value]) => `${key}=${value}\0`).join('');
  if (text.length > FILE_BYTES) throw new DoesNotFit(`boot variables need ${text.length} bytes of ${FILE_BYTES}`);
  const content = Buffer.alloc(FILE_BYTES);
  content.write(text, 'latin1');
  return content;
};

const checkEntry = (key: string, value: string): void => {
  if (key.length + 1 + value.length > MAX_ENTRY_BYTES || value.includes('\0'))
    throw new DoesNotFit(
      `boot variable ${key}: expected at most ${MAX_ENTRY_BYTES} bytes without NUL, but saw ${value}`,
    );
};

/** Pantavisor's boot script misreads it when it is empty, and never writes it into this file. */
const LEFT_OUT_WHEN_EMPTY = 'pv_trying';

/** An unset variable stays, empty, as Pantavisor leaves it; but for the one above. */
export const ubootBootloader = (files: Files, path: string): Bootloader =>
  bootFile(files, path, {
    parse: parseUboot,
    format: formatUboot,
    set: (entries, key, value) => {
      checkEntry(key, value);
      if (value === '' && key === LEFT_OUT_WHEN_EMPTY) entries.delete(key);
      else if (value !== '' || entries.has(key)) entries.set(key, value);
    },
  });
