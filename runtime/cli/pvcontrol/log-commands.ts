/** pvcontrol's command for logs. */
import type { Command } from 'commander';
import type { GlobalOptions } from './question.ts';

export const addLogCommands = (program: Command, globals: () => GlobalOptions): void => {
  program
    .command('logs')
    .description('what containers and pantavisor said')
    .argument('[container]', 'or pantavisor; default: everybody')
    .argument('[source...]', 'such as console.log or /var/log/messages; default: all')
    .option('-f, --follow', 'go on, over rotation and into the revisions that come')
    .option('-n, --lines <count>', 'the last lines of each log, or all; default: all of one log, 20 of several')
    .option('-r, --revision <revision>', 'of another revision than the one that runs')
    .option('-d, --dir <directory>', 'where logs are; default: as the daemon says, /pantavisor/logs in a container')
    .addHelpText(
      'after',
      '\nIt reads files, and needs no daemon.\n\nExamples:\n  pvcontrol logs -f\n  pvcontrol logs web console.log\n  pvcontrol logs -n 100 -r locals/broken pantavisor\n  pvcontrol --json logs web | jq -r .msg',
    )
    .action(async (container: string | undefined, sources: string[], options) =>
      (await import('./logs-command.ts')).logs(container, sources, options, globals()),
    );
};
