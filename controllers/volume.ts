/**
 * Volumes on the device: mount points two levels below the volumes directory, `<owner>/<name>`. Whatever is mounted
 * there is ours by its place; nothing needs to be remembered.
 */
import { filter, map, merge, mergeMap, Subject } from 'rxjs';
import type { VolumeSpec, VolumeStatus } from '../resources/kinds/volume.ts';
import { nameOf } from '../resources/ref.ts';
import type { Reconciler } from '../resources/snapshot.ts';
import type { Controller } from '../runtime/engine/controller.ts';
import { directoryWatch } from '../runtime/engine/directory-watch.ts';
import type { Host } from '../runtime/host/host.ts';

const DIRECTORY_MODE = 0o755;

export const volumeController = (
  host: Host,
  volumes: string,
  reconcile: Reconciler<'volume'>,
): Controller<'volume'> => {
  const watched = directoryWatch(host.files);
  /** Which tree was mounted, by name. It may be mounted for a definition that is a former one by the time it is there. */
  const mounted = new Map<string, string>();
  const mountings = new Subject<string>();
  const nameAt = (target: string): string | undefined => {
    if (!target.startsWith(`${volumes}/`)) return undefined;
    const name = target.slice(volumes.length + 1);
    return name.split('/').length === 2 ? name : undefined;
  };

  return {
    kind: 'volume',
    reconcile,
    watch: () =>
      merge(
        host.mounts.changes.pipe(
          mergeMap((targets) => targets),
          map(nameAt),
          filter((name) => name !== undefined),
        ),
        watched.changes,
        mountings,
      ),
    list: async () => {
      const names = (await host.mounts.below(volumes)).map(nameAt);
      return [...new Set(names.filter((name) => name !== undefined))];
    },
    observe: async (name) => {
      const mount = await host.mounts.at(`${volumes}/${name}`);
      // Deleting a bound directory raises no mount event; its parent tells.
      const bound = mount?.type === 'bind' ? mount.sources.map(parentOf) : [];
      watched.set(name, [...new Set(bound)]);
      if (mount === undefined) {
        mounted.delete(name);
        return undefined;
      }
      const { target, type, sources, identity, deleted } = mount;
      const isOurs = mounted.get(name) === identity;
      return { target, type, sources, identity, deleted, ...(isOurs ? { ours: true } : {}) } satisfies VolumeStatus;
    },
    execute: {
      'volume.mount': async ({ ref, spec }, signal) => {
        await mountVolume(host, spec, signal);
        const mount = await host.mounts.at(spec.target);
        if (mount === undefined) return;
        mounted.set(nameOf(ref), mount.identity);
        if (signal.aborted) mountings.next(nameOf(ref)); // nobody waits for it any more
      },
      'volume.unmount': ({ ref, target }) => {
        watched.set(nameOf(ref), []);
        return host.mounts.unmount(target);
      },
    },
  };
};

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** @param signal what is answered after it was given up is followed by nothing: the volume may be somebody else's by now. */
const mountVolume = async ({ files, mounts }: Host, spec: VolumeSpec, signal: AbortSignal): Promise<void> => {
  const { source, target } = spec;
  const bind = (path: string, recursive = false): Promise<void> => {
    signal.throwIfAborted();
    return mounts.bind({ source: path, target, recursive, readOnly: false });
  };

  await files.makeDirectory(source.type === 'file' ? parentOf(target) : target, DIRECTORY_MODE);
  signal.throwIfAborted();
  switch (source.type) {
    case 'image':
      return mounts.mountImage({ image: source.image, target, filesystem: source.filesystem, readOnly: true });
    case 'file':
      if ((await files.stat(target)) === undefined) await files.write(target, '', 0o644);
      return bind(source.path);
    case 'tree':
      return bind(source.path, true);
    case 'directory':
      await files.makeDirectory(source.path, DIRECTORY_MODE);
      return bind(source.path);
    case 'tmpfs':
      return mounts.mountTmpfs({ target });
    case 'scratch':
      await files.remove(source.path);
      signal.throwIfAborted();
      await files.makeDirectory(source.path, DIRECTORY_MODE);
      return bind(source.path);
    default:
      return source satisfies never;
  }
};
