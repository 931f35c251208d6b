/** Watching a path on the simulated device as the Linux host does: while it is missing, its nearest ancestor. */
import type { Namespace, Place } from './namespace.ts';

const nearest = (namespace: Namespace, path: string): Place | undefined =>
  namespace.find(path) ?? (path === '/' ? undefined : nearest(namespace, path.slice(0, path.lastIndexOf('/')) || '/'));

/** A burst is told once. What an ancestor's other children do is not told. Returns how to stop. */
export const watchPath = (namespace: Namespace, directory: string, tell: (value: undefined) => void): (() => void) => {
  let watched: Place | undefined;
  let unwatch = (): void => {};
  let told = false;
  const follow = (): void => {
    const now = nearest(namespace, directory);
    if (now === undefined || now.node === watched?.node) return;
    unwatch();
    watched = now;
    unwatch = now.mount.fileSystem.watch(now.node, changed);
  };
  const looked = (): void => {
    told = false;
    const before = watched?.path;
    follow();
    if (before === directory || watched?.path === directory) tell(undefined);
  };
  const changed = (): void => {
    // After the step that is under way: looking now would find it half done.
    if (!told) Promise.resolve().then(looked);
    told = true;
  };
  follow();
  return () => unwatch();
};
