import { expect, test } from 'vitest';
import { onceOpened } from '../../../runtime/device/wait-for-opening.ts';
import { stoppedClock } from '../store/device.ts';

const watched = (opened: Promise<void>) => {
  const clock = stoppedClock();
  let calls = 0;
  onceOpened(opened, clock, () => {
    calls += 1;
  });
  return { clock, calls: () => calls };
};

test('what waits for an opening begins with it, once', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, calls } = watched(promise);
  expect(calls()).toBe(0);
  resolve();
  await promise;
  expect(calls()).toBe(1);
  clock.advance(10_000);
  expect([calls(), clock.pending()]).toEqual([1, 0]);
});

test('an opening that hangs is not waited for', () => {
  const { clock, calls } = watched(new Promise(() => {}));
  clock.advance(999);
  expect(calls()).toBe(0);
  clock.advance(1);
  expect(calls()).toBe(1);
});
