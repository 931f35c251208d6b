/** Watches directories on behalf of resources: one watch per directory, however many resources care for it. */
import { Observable, type Subscription } from 'rxjs';
import type { Files } from '../host/host.ts';

export interface DirectoryWatch {
  /** From now on `name` is told about exactly these directories. */
  set(name: string, directories: readonly string[]): void;
  /** Names whose directories changed. */
  readonly changes: Observable<string>;
}

export const directoryWatch = (files: Files): DirectoryWatch => {
  const interests = new Map<string, readonly string[]>();
  const watches = new Map<string, Subscription>();
  const listeners = new Set<(name: string) => void>();

  const announce = (directory: string): void => {
    for (const [name, directories] of interests) {
      if (directories.includes(directory)) for (const listener of listeners) listener(name);
    }
  };
  const settle = (): void => {
    const wanted = new Set([...interests.values()].flat());
    for (const [directory, watch] of watches) {
      if (wanted.has(directory)) continue;
      watch.unsubscribe();
      watches.delete(directory);
    }
    for (const directory of wanted) {
      if (!watches.has(directory))
        watches.set(
          directory,
          files.watch(directory).subscribe(() => announce(directory)),
        );
    }
  };
  return {
    set: (name, directories) => {
      if (directories.join('\0') === (interests.get(name) ?? []).join('\0')) return;
      if (directories.length === 0) interests.delete(name);
      else interests.set(name, directories);
      settle();
    },
    changes: new Observable<string>((subscriber) => {
      const listener = (name: string): void => subscriber.next(name);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        interests.clear();
        settle();
      };
    }),
  };
};
