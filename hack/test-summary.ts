/** What a run of tests came to, read from vitest's JSON report, and the last words of hack/test about it. */
import { basename, sep } from 'node:path';
import { z } from 'zod';

export interface Failure {
  readonly name: string;
  readonly message: string;
}

export interface Tally {
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skipped: number;
}

/** The part of the report (Jest's format) that is looked at; tested against the installed vitest in test/hack/test-summary.test.ts. */
const Test = z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()).default([]) });
const TestFile = z.object({
  status: z.string(),
  name: z.string(),
  message: z.string().default(''),
  assertionResults: z.array(Test),
});
const Report = z.object({
  success: z.boolean(),
  numPassedTests: z.int().nonnegative(),
  numPendingTests: z.int().nonnegative(),
  numTodoTests: z.int().nonnegative(),
  testResults: z.array(TestFile),
});

export interface Context {
  readonly project: string;
  /** Leaks and unhandled errors (error-reporter.ts): they belong to no test and are not in the report. */
  readonly errors: string;
}

/** Errors outside of tests count as one failure, and so does a bad exit status that nothing explains. */
export function tallyOf(report: unknown, exitedWell: boolean, { project, errors }: Context): Tally {
  const parsed = Report.parse(report);
  const failures = parsed.testResults.flatMap(failuresOf);
  const unexplained = failures.length === 0 && !exitedWell ? 'vitest failed although every test passed' : '';
  const message = errors.trim() || unexplained;
  const outside = message === '' ? [] : [{ name: `${project} tests`, message }];
  return {
    passed: parsed.numPassedTests,
    failures: [...failures, ...outside],
    skipped: parsed.numPendingTests + parsed.numTodoTests,
  };
}

/** A file that does not load, or whose hooks fail, has no failed test in it, and still failed: it counts as one. */
function failuresOf({ name, status, message, assertionResults }: z.output<typeof TestFile>): readonly Failure[] {
  const path = name.split(`${sep}test${sep}`).at(-1) ?? basename(name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0 && status === 'failed') return [{ name: path, message }];
  return failed.map((test) => ({ name: `${path}: ${test.fullName}`, message: test.failureMessages.join('\n') }));
}

export const sum = (tallies: readonly Tally[]): Tally => ({
  passed: tallies.reduce((total, tally) => total + tally.passed, 0),
  failures: tallies.flatMap(({ failures }) => failures),
  skipped: tallies.reduce((total, tally) => total + tally.skipped, 0),
});

const MAX_TOLD = 20;
const MAX_LINES = 12;

/** Again at the end, because whoever reads a log of a CI sees its end: which failed, and how. */
export const failuresText = ({ failures }: Tally): string => {
  const told = failures.slice(0, MAX_TOLD).map(({ name, message }) => {
    const lines = message.split('\n').filter((line) => line.trim() !== '');
    return [`FAILED ${name}`, ...lines.slice(0, MAX_LINES).map((line) => `  ${line}`)].join('\n');
  });
  const more = failures.length - told.length;
  return [...told, ...(more > 0 ? [`FAILED and ${more} more`] : [])].join('\n');
};

/** The last line of hack/test; a run in which nothing passed is not a success. */
export const lastLine = (tally: Tally): string =>
  `${tally.passed} passed, ${tally.failures.length} failed, ${tally.skipped} skipped`;

export const succeeded = (tally: Tally): boolean => tally.failures.length === 0 && tally.passed > 0;
