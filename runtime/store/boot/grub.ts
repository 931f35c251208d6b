/** `boot/grubenv`: GRUB's environment block of exactly 1024 bytes, as `load_env` and `save_env` use it. */
import type { Files } from '../../host/host.ts';
import { bootFile, DoesNotFit } from './boot-file.ts';
import type { Bootloader } from './bootloader.ts';

const BLOCK_BYTES = 1024;
const HEADER = '# GRUB Environment Block\n';

/** Entries by key, in file order; undefined: no environment block. GRUB escapes a line break or backslash by a backslash. */
export const parseGrubenv = (content: Buffer): Map<string, string> | undefined => {
  const text = content.toString('latin1'); // byte for byte: foreign values need not be UTF-8
  if (content.length !== BLOCK_BYTES || !text.startsWith(HEADER)) return undefined;
  const entries = new Map<string, string>();
  for (const [, key = '', value = ''] of text
    .slice(HEADER.length)
    .matchAll(/^([^#\n=][^\n=]*)=((?:[^\\\n]|\\[\s\S])*)\n/gm)) {
    entries.set(key, value.replace(/\\([\s\S])/g, '$1'));
  }
  return entries;
};

/** @throws DoesNotFit when they do not fit into the block. */
export const formatGrubenv = (entries: ReadonlyMap<string, string>): Buffer => {
  const escaped = (value: string): string => value.replace(/[\\\n]/g, (character) => `\\${character}`);
  const text = `${HEADER}${[...entries].map(([key, value]) => `${key}=${escaped(value)}\n`).join('')}`;
  if (text.length > BLOCK_BYTES) throw new DoesNotFit(`boot variables need ${text.length} of ${BLOCK_BYTES} bytes`);
  return Buffer.from(text.padEnd(BLOCK_BYTES, '#'), 'latin1');
};

/** A block that is none is replaced, as Pantavisor does: a device must boot. */
export const grubBootloader = (files: Files, path: string): Bootloader =>
  bootFile(files, path, {
    parse: parseGrubenv,
    format: formatGrubenv,
    set: (entries, key, value) => {
      if (value === '') entries.delete(key);
      else entries.set(key, value);
    },
  });
