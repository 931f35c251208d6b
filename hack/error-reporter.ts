/**
 * A vitest reporter for hack/test: writes errors that belong to no test (unhandled rejections, and what a worker died
 * of) to `.cache/test/<project>.errors`. vitest's JSON report has no place for them, and they fail the run all the same.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Reporter } from 'vitest/node';

/** Also written by test/system/leaks.ts, after the last test. */
export const errorsFile = (project: string): string =>
  resolve(import.meta.dirname, '../.cache/test', `${project}.errors`);

export const reportError = (project: string, message: string): void => {
  mkdirSync(dirname(errorsFile(project)), { recursive: true });
  appendFileSync(errorsFile(project), `${message}\n`);
};

// biome-ignore lint/style/noDefaultExport: vitest loads a reporter from a file by its default export.
export default class ErrorReporter implements Reporter {
  onTestRunEnd(
    modules: Parameters<NonNullable<Reporter['onTestRunEnd']>>[0],
    errors: readonly { stack?: string; message: string }[],
  ): void {
    const project = modules[0]?.project.name ?? 'vitest';
    for (const { stack, message } of errors) reportError(project, stack ?? message);
  }
}
