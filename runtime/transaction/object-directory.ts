/** A directory of objects by sha256, such as `pvr` keeps: each written whole, and only if it is what its name says. */
import type { Files } from '../host/host.ts';
import { openObjects } from '../store/objects/objects.ts';
import { openVerified } from '../store/objects/verified-files.ts';
import type { Store } from './parts.ts';

export const objectDirectory = async (files: Files, directory: string): Promise<Store> => {
  await files.makeDirectory(directory, 0o755);
  const objects = openObjects({
    files,
    directory,
    verified: await openVerified(files),
    isUsed: async () => false,
    onProblem: () => undefined,
  });
  return { putObject: objects.put };
};
