import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { linuxClock } from '../../../../../runtime/host/linux/kernel/linux-clock.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const scheduleIn = (delayMs: number) => {
  const callback = vi.fn();
  return { callback, cancel: linuxClock.schedule(linuxClock.nowMs() + delayMs, callback) };
};

test('calls back once, not before its time', () => {
  const { callback } = scheduleIn(1000);
  vi.advanceTimersByTime(999);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(DAY_MS);
  expect(callback).toHaveBeenCalledOnce();
});

test('waits for longer than setTimeout can', () => {
  const { callback } = scheduleIn(60 * DAY_MS);
  vi.advanceTimersByTime(59 * DAY_MS);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(DAY_MS);
  expect(callback).toHaveBeenCalledOnce();
});

test.each([0, -5000])('a time %d ms from now is as soon as possible', (delayMs) => {
  const { callback } = scheduleIn(delayMs);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledOnce();
});

test('can be cancelled, also after the first stretch of a long wait', () => {
  const { callback, cancel } = scheduleIn(60 * DAY_MS);
  vi.advanceTimersByTime(30 * DAY_MS);
  cancel();
  cancel();
  vi.advanceTimersByTime(60 * DAY_MS);
  expect(callback).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
