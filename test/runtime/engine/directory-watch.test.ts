import { Observable } from 'rxjs';
import { expect, it } from 'vitest';
import { directoryWatch } from '../../../runtime/engine/directory-watch.ts';
import type { Files } from '../../../runtime/host/host.ts';

const bench = () => {
  const watched = new Map<string, () => void>();
  const begun: string[] = [];
  const watch = (directory: string) =>
    new Observable<void>((subscriber) => {
      begun.push(directory);
      watched.set(directory, () => subscriber.next());
      return () => watched.delete(directory);
    });
  const { set, changes } = directoryWatch({ watch } as unknown as Files);
  const told: string[] = [];
  const subscription = changes.subscribe((name) => told.push(name));
  const change = (directory: string): readonly string[] => {
    watched.get(directory)?.();
    return told.splice(0);
  };
  return { set, change, watched, begun, subscription, changes };
};

it('tells everybody who cares for a directory, by one watch', () => {
  const { set, change, begun } = bench();
  set('a', ['/x']);
  set('b', ['/x', '/y']);
  expect(begun).toEqual(['/x', '/y']);
  expect([change('/x'), change('/y')]).toEqual([['a', 'b'], ['b']]);
});

it('ends a watch when nobody cares any more, and not before', () => {
  const { set, change, watched } = bench();
  set('a', ['/x']);
  set('b', ['/x']);
  set('a', []);
  expect(change('/x')).toEqual(['b']);
  set('b', ['/y']);
  expect([...watched.keys()]).toEqual(['/y']);
});

it('begins no watch anew for what it watches already', () => {
  const { set, begun } = bench();
  set('a', ['/x', '/y']);
  set('a', ['/x', '/y']);
  set('a', ['/y', '/x']);
  set('b', []);
  expect(begun).toEqual(['/x', '/y']);
});

it('tells every listener, and watches nothing when one leaves', () => {
  const { set, change, watched, changes, subscription } = bench();
  const other: string[] = [];
  const second = changes.subscribe((name) => other.push(name));
  set('a', ['/x']);
  expect([change('/x'), other]).toEqual([['a'], ['a']]);
  second.unsubscribe();
  expect(watched.size).toBe(0);
  subscription.unsubscribe();
  set('a', ['/x']);
  expect(change('/x')).toEqual([]);
});
