import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { serialByKey } from '../../../runtime/engine/serial-by-key.ts';

interface Work {
  readonly key: string;
  readonly signal: AbortSignal;
  end(): void;
  fail(error: unknown): void;
}

/** Work that goes on until the test ends it. */
const bench = () => {
  const keys = new Subject<string>();
  const begun: Work[] = [];
  const results: string[] = [];
  const errors: unknown[] = [];
  const work = (key: string, signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      begun.push({ key, signal, end: () => resolve(`${key} done`), fail: reject });
    });
  const subscription = keys.pipe(serialByKey(work)).subscribe({
    next: (result) => results.push(result),
    error: (error) => errors.push(error),
  });
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const end = async (index: number): Promise<void> => {
    begun[index]?.end();
    await settled();
  };
  return { keys, begun, results, errors, subscription, settled, end };
};

describe('work by key', () => {
  it('begins at once, and goes on for other keys meanwhile', async () => {
    const { keys, begun, results, end } = bench();
    keys.next('a');
    keys.next('b');
    expect(begun.map(({ key }) => key)).toEqual(['a', 'b']);
    await end(1);
    expect(results).toEqual(['b done']);
    await end(0);
    expect(results).toEqual(['b done', 'a done']);
  });

  it('is done once more for a key that is triggered while it is busy, however often', async () => {
    const { keys, begun, results, end } = bench();
    for (const _ of [1, 2, 3]) keys.next('a');
    expect(begun).toHaveLength(1);
    await end(0);
    expect(begun).toHaveLength(2);
    await end(1);
    expect([begun.length, results]).toEqual([2, ['a done', 'a done']]);
  });

  it('is done again for a trigger that comes in the very last moment of the work before', async () => {
    const { keys, begun, end, settled } = bench();
    keys.next('a');
    begun[0]?.end();
    keys.next('a'); // the promise is resolved, and nobody has heard of it yet
    await settled();
    expect(begun).toHaveLength(2);
    await end(1);
    keys.next('a');
    expect(begun).toHaveLength(3);
  });

  it('is told to stop when nobody listens any more, and not begun again', async () => {
    const { keys, begun, results, subscription, end } = bench();
    keys.next('a');
    keys.next('a');
    expect(begun[0]?.signal.aborted).toBe(false);
    subscription.unsubscribe();
    expect(begun[0]?.signal.aborted).toBe(true);
    await end(0);
    expect([begun.length, results]).toEqual([1, []]);
  });

  it('errors the stream when it rejects', async () => {
    const { keys, begun, errors, settled } = bench();
    keys.next('a');
    begun[0]?.fail(new Error('a bug'));
    await settled();
    expect(errors).toEqual([new Error('a bug')]);
  });

  it('errors the stream when the keys do', () => {
    const { keys, errors } = bench();
    keys.error(new Error('no more'));
    expect(errors).toEqual([new Error('no more')]);
  });
});
