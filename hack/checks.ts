/**
 * `hack/test`, once everything is set up: format and lint, types, unit tests, system tests, one after the other.
 *
 * In: the working tree. Out: the tools' own output, then what failed, once more, and one line
 * `N passed, N failed, N skipped`, summed over all vitest projects; a failed check that is no test counts as one.
 * System tests need root and LXC; those that lack something skip themselves (test/system/require-root.ts), and it is said again at the end, where it is seen.
 * Must never end with 0 when nothing ran, nor go on for ever.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { hasQemu } from './device-image/vm.ts';
import { errorsFile } from './error-reporter.ts';
import { reasonNoContainersRun } from './prerequisites.ts';
import { failuresText, lastLine, succeeded, sum, type Tally, tallyOf } from './test-summary.ts';

const MINUTE_MS = 60_000;
const reports = '.cache/test';
/** They emulate every instruction and take longer than all other tests together: only when they are asked for. */
const withMachines = process.env['VM_TESTS'] === '1';
let interrupted = false;

/** Runs one program in the foreground. A program that does not end is stopped: a CI that hangs says nothing. */
function run(program: string, parameters: readonly string[], limitMs: number): Promise<boolean> {
  console.log(`\n== ${program} ${parameters.join(' ')}`);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn(program, parameters, { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals): void => {
    interrupted = true;
    // Ctrl-C reaches the child from the terminal; a second one would cut its cleaning up short.
    if (signal !== 'SIGINT') child.kill(signal);
  };
  const deadline = setTimeout(() => {
    console.error(`== ${program} did not end within ${limitMs / MINUTE_MS} minutes; stopping it`);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 20_000).unref();
  }, limitMs);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, forward);
  const ended = (well: boolean): void => {
    clearTimeout(deadline);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, forward);
    resolve(well);
  };
  child.once('error', (error) => {
    console.error(`== ${program}: ${error.message}`);
    ended(false);
  });
  child.once('exit', (code) => ended(code === 0));
  return promise;
}

const check = async (program: string, ...parameters: string[]): Promise<Tally> => {
  const well = await run(program, parameters, 10 * MINUTE_MS);
  return { passed: 0, failures: well ? [] : [{ name: program, message: 'see above' }], skipped: 0 };
};

async function tests(project: string, limitMs: number): Promise<Tally> {
  const report = `${reports}/${project}.json`;
  const output = ['default', 'json', './hack/error-reporter.ts'].map((name) => `--reporter=${name}`);
  output.push(`--outputFile.json=${report}`);
  const well = await run('vitest', ['run', '--project', project, ...output], limitMs);
  try {
    const errors = existsSync(errorsFile(project)) ? readFileSync(errorsFile(project), 'utf8') : '';
    return tallyOf(JSON.parse(readFileSync(report, 'utf8')), well, { project, errors });
  } catch (cause) {
    const message = `no usable report: ${cause instanceof Error ? cause.message : cause}`;
    return { passed: 0, failures: [{ name: `${project} tests`, message }], skipped: 0 };
  }
}

async function main(): Promise<void> {
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const steps = [
    () => check('biome', 'check', '--error-on-warnings', '.'),
    () => check('tsc', '--noEmit'),
    () => tests('unit', 25 * MINUTE_MS),
    () => check('node', 'hack/mutation/main.ts', '--sample', 'reconcilers', 'engine'),
    () => tests('system', 25 * MINUTE_MS),
    () => tests('system-alone', 20 * MINUTE_MS),
    ...(withMachines ? [() => tests('vm', 20 * MINUTE_MS)] : []),
  ];
  const tallies: Tally[] = [];
  for (const step of steps) if (!interrupted) tallies.push(await step());
  const total = sum(tallies);
  const reason = reasonNoContainersRun();
  if (reason !== undefined) console.log(`\nSystem tests were skipped: ${reason}.`);
  if (!withMachines) console.log('\nTests of virtual machines were skipped: they run with VM_TESTS=1.');
  else if (!hasQemu()) console.log('\nTests of virtual machines were skipped: qemu-system-x86 is not installed.');
  if (total.passed === 0) console.log('\nNo test passed at all.');
  if (total.failures.length > 0) console.log(`\n${failuresText(total)}`);
  console.log(`\n${lastLine(total)}`);
  process.exitCode = succeeded(total) && !interrupted ? 0 : 1;
}

await main();
