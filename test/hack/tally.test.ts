import { describe, expect, test } from 'vitest';
import { lastLine, succeeded, sum, tallyOf } from '../../hack/tally.ts';

const counts = { numPassedTests: 2, numFailedTests: 0, numPendingTests: 1, numTodoTests: 1, success: true };
const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

describe('the tally of a test run', () => {
  test('counts skipped and todo tests as skipped', () => {
    const report = { ...counts, testResults: [file('passed', 'passed', 'passed')] };
    expect(tallyOf(report, true)).toEqual({ passed: 2, failed: 0, skipped: 2 });
  });

  test.each([
    { truth: 'a file that does not load is one failure', results: [file('failed')], failedTests: 0, failed: 1 },
    {
      truth: 'a failed test is counted once, not with its file',
      results: [file('failed', 'failed')],
      failedTests: 1,
      failed: 1,
    },
    {
      truth: 'a hook that fails in a file of skipped tests is one failure',
      results: [file('failed', 'skipped')],
      failedTests: 0,
      failed: 1,
    },
  ])('$truth', ({ results, failedTests, failed }) => {
    const report = { ...counts, success: false, numFailedTests: failedTests, testResults: results };
    expect(tallyOf(report, false).failed).toBe(failed);
  });

  test('is a failure when all tests passed but vitest did not, as with a leak', () => {
    expect(tallyOf({ ...counts, testResults: [file('passed', 'passed')] }, false).failed).toBe(1);
  });

  test('refuses a report of another shape rather than counting nothing', () => {
    expect(() => tallyOf({ passed: 3 }, true)).toThrow();
  });

  test('sums up to one line that machines read', () => {
    const total = sum([
      { passed: 3, failed: 0, skipped: 1 },
      { passed: 4, failed: 1, skipped: 0 },
    ]);
    expect(lastLine(total)).toBe('7 passed, 1 failed, 1 skipped');
  });

  test.each([
    { tally: { passed: 0, failed: 0, skipped: 0 }, good: false },
    { tally: { passed: 0, failed: 0, skipped: 9 }, good: false },
    { tally: { passed: 1, failed: 1, skipped: 0 }, good: false },
    { tally: { passed: 1, failed: 0, skipped: 9 }, good: true },
  ])('is a success only when something passed and nothing failed: $tally', ({ tally, good }) => {
    expect(succeeded(tally)).toBe(good);
  });
});
