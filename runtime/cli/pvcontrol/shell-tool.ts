/**
 * What scripts written for Pantavisor's pvcontrol, a shell script, get to see when something is wrong with a command or
 * nobody is there to ask: usage and first errors on standard output. People at a terminal get a
 * sentence on standard error and no more.
 */
import type { Command } from 'commander';
import { NoSocket } from './client.ts';

const isForPeople = (): boolean => process.stdout.isTTY === true;

/** Call it before commands are added: they take it over. */
export const failAsShellTool = (program: Command): Command =>
  program.showHelpAfterError(isForPeople() ? `Try ${program.name()} --help.` : true).configureOutput({
    writeErr: (text) => void (isForPeople() ? process.stderr : process.stdout).write(text),
    outputError: (text) => {
      process.stderr.write(text);
      if (!isForPeople() && text.includes('unknown command')) process.stdout.write('ERROR: unknown operation\n');
    },
  });

/** Besides the explanation on standard error. */
export const tellScripts = (error: Error): void => {
  if (error instanceof NoSocket && !isForPeople()) process.stdout.write(`ERROR: ${error.places.at(-1)} not found\n`);
};

/** Replaced by the command that its test runner names: `$PVTEST_EXEC pvcontrol …`, split into words as a shell does. */
const ELSEWHERE = 'set -- $PVTEST_EXEC "$@"; unset PVTEST_EXEC; exec "$@"';

/** Does not return when PVTEST_EXEC is set. */
export const runElsewhere = (program: string, words: readonly string[]): void => {
  if (!process.env['PVTEST_EXEC']) return;
  if (process.execve === undefined) throw new Error('this Node cannot replace itself, as PVTEST_EXEC asks');
  process.execve('/bin/sh', ['sh', '-c', ELSEWHERE, 'sh', program, ...words]);
};
