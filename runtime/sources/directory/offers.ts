/** What lies in the watched directory as a source of objects that the store has lost. */
import { DeviceError, type Files } from '../../host/host.ts';
import { readTarball, TARBALL_LIMITS } from '../../store/archive/tarball.ts';
import type { Source } from '../../store/objects/verification.ts';
import { Rejection } from '../../store/rejection.ts';
import type { Store } from '../../store/store.ts';
import { dropNameOf } from './drop-name.ts';

type Put = Store['putObject'];

/** Objects beside the drops first; an archive is read only for what is still missing. */
export const offersIn = (files: Files, store: Store, directory: string): Source => {
  const single = async (id: string): Promise<void> => {
    const path = `${directory}/objects/${id}`;
    if ((await files.stat(path))?.type === 'file')
      await store.putObject(id, files.stream(path), TARBALL_LIMITS.objectBytes);
  };

  const unpack = (file: string, wanted: ReadonlySet<string>): Promise<unknown> => {
    const putObject: Put = async (id, content, maxBytes) => {
      if (wanted.has(id)) return store.putObject(id, content, maxBytes);
      for await (const _ of content); // reading is what makes the next entry come
    };
    const sink = { missingObjects: store.missingObjects, space: store.space, putObject };
    return readTarball(files.stream(`${directory}/${file}`), sink);
  };

  return async (wanted) => {
    for (const id of wanted) await unlessUnusable(() => single(id));
    const names = ((await files.list(directory)) ?? []).flatMap((file) => dropNameOf(file) ?? []);
    for (const { file, kind } of names) {
      const missing = new Set(await store.missingObjects(wanted));
      if (missing.size === 0) return;
      if (kind === 'tarball') await unlessUnusable(() => unpack(file, missing));
    }
  };
};

/** Not what its name says, no archive, taken away meanwhile: then it is no source. */
const unlessUnusable = async (work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    const isGone = error instanceof DeviceError && error.code === 'ENOENT';
    if (!(error instanceof Rejection) && !isGone) throw error;
  }
};
