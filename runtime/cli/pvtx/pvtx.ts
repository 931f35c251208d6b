/** The program `pvtx`: a new state made of one that exists, by adding and removing parts. */

import { knownNames } from '../pvcontrol/known-names.ts';
import type { GlobalOptions } from '../pvcontrol/question.ts';
import { addCompletion } from '../shared/completion.ts';
import { newProgram, runProgram } from '../shared/program.ts';
import { understand } from './command-prefixes.ts';
import { addTransactionCommands, transactionExamples } from './commands.ts';

const program = newProgram('pvtx', 'Makes a new state of this device by adding and removing parts, and installs it.')
  .option('-s <socket>', 'control socket, as for pvcontrol')
  .addHelpText('after', transactionExamples('pvtx', 'pvcontrol cmd run "$(pvtx commit)"'));
const globals = (): GlobalOptions => program.opts();

addTransactionCommands(program, globals);
addCompletion(program, knownNames(globals));

const understood = understand(process.argv.slice(2));
switch (understood.kind) {
  case 'command':
    await runProgram(program, understood.words);
    break;
  case 'help':
    program.outputHelp();
    process.exitCode = understood.exitCode;
    break;
  case 'unknown':
    process.stderr.write(`ERROR: command process: sub command not found: ${understood.word}\nTry pvtx --help.\n`);
    process.exitCode = 255;
    break;
  default:
    understood satisfies never;
}
