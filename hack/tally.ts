/** What a run of tests came to, read from vitest's JSON report. */
import { z } from 'zod';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of the report (Jest's format) that is looked at; tested against the installed vitest in test/hack/tally.test.ts. */
const Report = z.object({
  success: z.boolean(),
  numPassedTests: z.int().nonnegative(),
  numFailedTests: z.int().nonnegative(),
  numPendingTests: z.int().nonnegative(),
  numTodoTests: z.int().nonnegative(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
});

/** A file that does not load, or whose hooks fail, has no failed test in it, and still failed: it counts as one. */
export function tallyOf(report: unknown, exitedWell: boolean): Tally {
  const parsed = Report.parse(report);
  const brokenFiles = parsed.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const failed = parsed.numFailedTests + brokenFiles;
  return {
    passed: parsed.numPassedTests,
    // Leaks and unhandled errors show in the exit status only.
    failed: failed === 0 && !exitedWell ? 1 : failed,
    skipped: parsed.numPendingTests + parsed.numTodoTests,
  };
}

export const sum = (tallies: readonly Tally[]): Tally => ({
  passed: tallies.reduce((total, tally) => total + tally.passed, 0),
  failed: tallies.reduce((total, tally) => total + tally.failed, 0),
  skipped: tallies.reduce((total, tally) => total + tally.skipped, 0),
});

/** The last line of hack/test; a run in which nothing passed is not a success. */
export const lastLine = (tally: Tally): string =>
  `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`;

export const succeeded = (tally: Tally): boolean => tally.failed === 0 && tally.passed > 0;
