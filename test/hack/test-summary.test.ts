import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { failuresText, lastLine, succeeded, sum, type Tally, tallyOf } from '../../hack/test-summary.ts';

const counts = { numPassedTests: 2, numPendingTests: 1, numTodoTests: 1, success: true };
const file = (status: string, ...tests: string[]) => ({
  status,
  name: '/somewhere/test/runtime/store.test.ts',
  message: status === 'failed' ? 'does not load' : '',
  assertionResults: tests.map((each, index) => ({
    status: each,
    fullName: `test ${index}`,
    failureMessages: each === 'failed' ? [`AssertionError: ${index}\n    at store.test.ts:1`] : [],
  })),
});
const UNIT = { project: 'unit', errors: '' };
const failuresOf = (...results: ReturnType<typeof file>[]): Tally['failures'] =>
  tallyOf({ ...counts, success: false, testResults: results }, false, UNIT).failures;

const WELL: Tally = { passed: 3, failures: [], skipped: 1 };
const failing = (count: number): Tally => ({
  passed: 4,
  skipped: 1,
  failures: Array.from({ length: count }, (_, index) => ({ name: `n${index}`, message: 'one\n\ntwo' })),
});

describe('the tally of a test run', () => {
  test('counts skipped and todo tests as skipped', () => {
    const report = { ...counts, testResults: [file('passed', 'passed', 'passed')] };
    expect(tallyOf(report, true, UNIT)).toEqual({ passed: 2, failures: [], skipped: 2 });
  });

  test('has a file that does not load as one failure', () => {
    expect(failuresOf(file('failed'))).toEqual([{ name: 'runtime/store.test.ts', message: 'does not load' }]);
  });

  test('has a failed test once, not with its file', () => {
    expect(failuresOf(file('failed', 'passed', 'failed'), file('passed', 'passed'))).toEqual([
      { name: 'runtime/store.test.ts: test 1', message: 'AssertionError: 1\n    at store.test.ts:1' },
    ]);
  });

  test('has a hook that fails in a file of skipped tests as one failure', () => {
    expect(failuresOf(file('failed', 'skipped'))).toHaveLength(1);
  });

  test('is a failure when all tests passed but vitest did not', () => {
    expect(failuresOf(file('passed', 'passed'))).toEqual([
      { name: 'unit tests', message: 'vitest failed although every test passed' },
    ]);
  });

  test('names errors that belong to no test, beside the tests that failed', () => {
    const report = { ...counts, success: false, testResults: [file('failed', 'failed')] };
    const { failures } = tallyOf(report, false, {
      project: 'system',
      errors: 'the system tests left behind:\n  mount /a\n',
    });
    expect(failures.map(({ name }) => name)).toEqual(['runtime/store.test.ts: test 0', 'system tests']);
    expect(failures[1]?.message).toBe('the system tests left behind:\n  mount /a');
  });

  test('reads what the installed vitest writes', { timeout: 60_000 }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pvtest-tally-'));
    const report = join(directory, 'report.json');
    writeFileSync(
      join(directory, 'a.test.js'),
      "test('good', () => {}); test('bad', () => { throw new Error('so') });",
    );
    writeFileSync(join(directory, 'b.test.js'), "throw new Error('no file'); test('never seen', () => {});");
    const vitest = resolve(import.meta.dirname, '../../node_modules/.bin/vitest');
    const run = ['run', '--root', directory, '--globals', '--reporter=json', `--outputFile=${report}`];
    await expect(promisify(execFile)(vitest, run)).rejects.toMatchObject({ code: 1 });
    const tally = tallyOf(JSON.parse(readFileSync(report, 'utf8')), false, UNIT);
    rmSync(directory, { recursive: true });
    expect([tally.passed, tally.skipped, tally.failures.length]).toEqual([1, 0, 2]);
    expect(failuresText(tally)).toMatch(/^FAILED .*a\.test\.js: bad\n {2}Error: so/m);
    expect(failuresText(tally)).toMatch(/^FAILED .*b\.test\.js\n {2}.*no file/m);
  });

  test('refuses a report of another shape rather than counting nothing', () => {
    expect(() => tallyOf({ passed: 3 }, true, UNIT)).toThrow();
  });

  test('sums up to one line that machines read', () => {
    expect(lastLine(sum([WELL, failing(1)]))).toBe('7 passed, 1 failed, 2 skipped');
  });

  test('tells what failed, and how, in few lines', () => {
    expect(failuresText(WELL)).toBe('');
    expect(failuresText(failing(1))).toBe('FAILED n0\n  one\n  two');
    const endless = { name: 'n', message: 'line\n'.repeat(1_000) };
    expect(failuresText({ ...WELL, failures: [endless] }).split('\n').length).toBeLessThan(20);
    expect(failuresText(failing(300))).toMatch(/^FAILED n19\n[\s\S]*^FAILED and 280 more$/m);
  });

  test.each([
    { tally: { passed: 0, failures: [], skipped: 0 }, good: false },
    { tally: { passed: 0, failures: [], skipped: 9 }, good: false },
    { tally: failing(1), good: false },
    { tally: WELL, good: true },
  ])('is a success only when something passed and nothing failed: $tally', ({ tally, good }) => {
    expect(succeeded(tally)).toBe(good);
  });
});
