/** pvcontrol's commands that look into containers: a shell, a program, what they use. */
import type { Command } from 'commander';
import type { GlobalOptions } from './question.ts';

type Globals = () => GlobalOptions;

const entering = async () => import('./enter-command.ts');

const USER = ['-u, --user <user>', 'a user of the container, by name or number (PVUSER, root)'] as const;

export const addGuestCommands = (program: Command, globals: Globals): void => {
  program
    .command('enter')
    .description('a shell inside a container, or a command line for it; on the device, as root')
    .argument('<container>')
    .argument('[command...]', 'what one would type into the shell')
    .option(...USER)
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nThe exit code is that of the shell or the command.\n\nExamples:\n  pvcontrol enter web\n  pvcontrol enter web "ls -l /data | wc -l"\n  pvcontrol enter -u www-data web id',
    )
    .action(async (name: string, words: string[], options) =>
      (await entering()).enter(name, words, options, globals()),
    );
  program
    .command('exec')
    .description('a program inside a container, with these very arguments and no shell between')
    .argument('<container>')
    .argument('<program>')
    .argument('[arguments...]')
    .option(...USER)
    .passThroughOptions()
    .addHelpText(
      'after',
      '\nThe exit code is that of the program.\n\nExamples:\n  pvcontrol exec web cat /etc/os-release\n  pvcontrol exec db psql -c "select 1"',
    )
    .action(async (name: string, file: string, words: string[], options) =>
      (await entering()).exec(name, [file, ...words], options, globals()),
    );
  program
    .command('top')
    .description('what containers use: processor, memory, reads and writes, restarts; on the device')
    .option('--once', 'print it once; so it is done anyway where the output is no terminal')
    .addHelpText(
      'after',
      '\nSizes in powers of 1000; CPU in percent of one processor; a dash is what this kernel does not count.\n\nExamples:\n  pvcontrol top\n  pvcontrol --json top | jq -r \'.[] | "\\(.name) \\(.memoryBytes)"\'',
    )
    .action(async (options) => (await import('./top-command.ts')).top(options, globals()));
};
