/**
 * Which files were hashed since the device booted and found to be what their names say, so that a daemon that starts
 * again does not read gigabytes. A file is known by what changes whenever its content does: nobody can set a ctime.
 * What changes without the file system's doing (a bad flash cell) is found at the next boot.
 */
import { readSideFile } from '../../host/damage.ts';
import type { FileStat, Files } from '../../host/host.ts';

export interface Verified {
  /** The file is the one that was hashed, unchanged. */
  isKnown(id: string, stat: FileStat): boolean;
  note(id: string, stat: FileStat): void;
  forget(id: string): void;
  ids(): Iterable<string>;
  /** Makes what is known outlive this daemon. Losing it costs time only. */
  save(): Promise<void>;
}

/** What one file of this many entries takes to read must not be felt. */
const MAX_ENTRIES = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;

const signatureOf = ({ device, inode, sizeBytes, modifiedMs, changedMs }: FileStat): string =>
  `${device}:${inode}:${sizeBytes}:${modifiedMs}:${changedMs}`;

/** Nothing outlives the daemon without a place. `bootId`: entries of another boot are not believed. */
export const openVerified = async (
  files: Files,
  place?: { readonly path: string; readonly bootId: string },
): Promise<Verified> => {
  const known = new Map(place === undefined ? [] : await load(files, place));
  let isChanged = false;
  return {
    isKnown: (id, stat) => known.get(id) === signatureOf(stat),
    note: (id, stat) => {
      const signature = signatureOf(stat);
      if (known.get(id) === signature) return;
      known.delete(id); // the newest come last
      known.set(id, signature);
      isChanged = true;
    },
    forget: (id) => {
      isChanged = known.delete(id) || isChanged;
    },
    ids: () => known.keys(),
    save: async () => {
      if (place === undefined || !isChanged) return;
      isChanged = false;
      const newest = [...known].slice(-MAX_ENTRIES).map(([id, signature]) => `${id} ${signature}\n`);
      await files.write(place.path, `${place.bootId}\n${newest.join('')}`, 0o600);
    },
  };
};

const load = async (
  files: Files,
  { path, bootId }: { readonly path: string; readonly bootId: string },
): Promise<readonly [id: string, signature: string][]> => {
  // Losing it costs time only, which nobody has to know.
  const text = (await readSideFile(files, path, MAX_BYTES, () => undefined))?.toString('latin1') ?? '';
  const [boot, ...lines] = text.split('\n');
  if (boot !== bootId) return [];
  return lines.flatMap((line) => {
    const [id, signature] = line.split(' ');
    return id === undefined || signature === undefined ? [] : [[id, signature] as [string, string]];
  });
};
