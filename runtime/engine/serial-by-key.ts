import { Observable } from 'rxjs';

/**
 * Runs at most one `work` per key; a key marked while busy runs once more when that ends, however often it was marked.
 * `work` turns expected failures into values: a rejection is a bug and errors the stream.
 */
export const serialByKey =
  <K, R>(work: (key: K, signal: AbortSignal) => Promise<R>) =>
  (keys: Observable<K>): Observable<R> =>
    new Observable<R>((subscriber) => {
      const stop = new AbortController();
      const busy = new Map<K, { again: boolean }>();

      const run = async (key: K): Promise<void> => {
        const slot = { again: false };
        busy.set(key, slot);
        do {
          slot.again = false;
          subscriber.next(await work(key, stop.signal));
        } while (slot.again && !stop.signal.aborted);
        busy.delete(key);
      };

      const subscription = keys.subscribe({
        next: (key) => {
          const slot = busy.get(key);
          if (slot) slot.again = true;
          else run(key).catch((error) => subscriber.error(error));
        },
        error: (error) => subscriber.error(error),
      });
      subscription.add(() => stop.abort());
      return subscription;
    });
