/** What both programs share: how they fail, and that they say who they are. */
import { Command } from 'commander';
import project from '../../../package.json' with { type: 'json' };

/** Errors whose message is all that a person needs: what was wrong with what they gave us, or what the device said. */
const EXPLAINED = ['ConfigError', 'ClientError', 'Rejection', 'DeviceError', 'TransactionError'];

/** It says by itself what a person can do; anything else is our bug. */
export const isExplained = (error: unknown): error is Error =>
  error instanceof Error && (EXPLAINED.includes(error.name) || 'code' in error);

export const newProgram = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .version(project.version, '--version', 'print the version')
    .helpOption('-h, --help', 'explain this')
    .helpCommand(false)
    .showHelpAfterError(`Try ${name} --help.`)
    .configureHelp({ showGlobalOptions: true });

/** Runs the program on these words; an error that explains itself is one line, anything else is our bug and keeps its stack. */
export const runProgram = async (
  program: Command,
  words: readonly string[] = process.argv.slice(2),
  onError: (error: Error) => void = () => undefined,
): Promise<void> => {
  // A reader that has seen enough (`pantavisor schema | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!isExplained(error)) throw error;
    onError(error);
    process.stderr.write(`${program.name()}: ${error.message}\n`);
    process.exitCode = 1;
  }
};
