import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startWatchdog } from '../../../runtime/platform/init/watchdog-policy.ts';

type Mode = 'disabled' | 'shutdown' | 'startup' | 'always';
let log: string[];
const policyOf = (mode: Mode) =>
  startWatchdog({ PV_WDT_MODE: mode, PV_WDT_TIMEOUT: 15 }, (timeoutSeconds) => {
    log.push(`open ${timeoutSeconds}`);
    return {
      feed: () => void log.push('feed'),
      stop: () => void log.push('stop'),
      leaveRunning: () => void log.push('leave'),
    };
  });

beforeEach(() => {
  log = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe('the watchdog', () => {
  it.each<[Mode, string[], string[], string[]]>([
    ['disabled', [], [], []],
    ['shutdown', [], [], ['open 15', 'feed', 'leave']],
    ['startup', ['open 15', 'feed', 'feed'], ['stop'], ['open 15', 'feed', 'leave']],
    ['always', ['open 15', 'feed', 'feed'], ['feed', 'feed'], ['feed', 'leave']],
  ])('in mode %s guards the start, the run and the reboot as it should', (mode, start, run, end) => {
    const policy = policyOf(mode);
    vi.advanceTimersByTime(10_000);
    expect(log.splice(0)).toEqual(start);
    policy.ready();
    vi.advanceTimersByTime(10_000);
    expect(log.splice(0)).toEqual(run);
    policy.rebooting();
    vi.advanceTimersByTime(60_000);
    expect([log, vi.getTimerCount()]).toEqual([end, 0]);
  });

  it('is stopped when the daemon ends for good, and leaves no timer', () => {
    const policy = policyOf('always');
    policy.stop();
    expect([log, vi.getTimerCount()]).toEqual([['open 15', 'stop'], 0]);
  });

  it('that is not there is done without', () => {
    const policy = startWatchdog({ PV_WDT_MODE: 'always', PV_WDT_TIMEOUT: 15 }, () => undefined);
    policy.ready();
    policy.rebooting();
    policy.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
