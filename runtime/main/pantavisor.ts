/**
 * The program `pantavisor`: the daemon and the offline commands. What a command needs is loaded when it is called, so
 * that help and completion are quick.
 */
import { addCompletion } from './completion.ts';
import { newProgram, runProgram } from './program.ts';

const EXAMPLES = `
Examples:
  pantavisor run                               the daemon, in the foreground
  pantavisor validate state.json               everything that is wrong with a state, at once
  pantavisor pack my-device -o my-device.tgz   a directory (app/run.json, app/root.squashfs, …) as a tarball
  cp my-device.tgz /var/lib/pantavisor/incoming/
                                               … and the running daemon makes it so
  pvcontrol status --watch                     what it is doing, and why
`;

const ENVIRONMENT = `
Configuration comes from the environment, from --config FILE (key=value lines), and has Pantavisor's keys. The first two
keep several daemons on one machine apart:
  PV_STORAGE_MNTPOINT        revisions, objects, logs (/var/lib/pantavisor)
  PV_SYSTEM_RUNDIR           sockets, mounts, what a reboot may forget (/run/pantavisor/pv); at most 64 bytes long
  PV_WATCH_DIR               where states are dropped: NAME.json, NAME.tgz (<storage>/incoming)
  PV_STATUS_LISTEN           host:port of a read-only status page (none)
  PV_UPDATER_GOALS_TIMEOUT   seconds for a group to reach its goals (120)
  PV_UPDATER_COMMIT_DELAY    seconds a new revision must hold before it is committed (5)
  PV_LOG_LEVEL               0 fatal, 1 error, 2 warn, 3 info, 4 debug, 5 everything (3)
`;

const program = newProgram(
  'pantavisor',
  'Keeps the containers of this device as one JSON document declares them.\nA revision that does not come up is rolled back.',
)
  .addHelpText('after', EXAMPLES)
  .addHelpText('after', ENVIRONMENT.trimEnd());

program
  .command('run')
  .description('run the daemon in the foreground, as root')
  .option('-c, --config <file>', 'key=value lines; the environment overrides them')
  .addHelpText(
    'after',
    `${ENVIRONMENT}\nSIGTERM and Ctrl-C stop every container. Killed, it leaves them running, and the next one takes them over.`,
  )
  .action(async (options) => (await import('./run.ts')).run(options));

program
  .command('validate')
  .description('tell everything that is wrong with a state document')
  .argument('<file>', 'the document; - reads standard input')
  .option('--json', 'print problems and warnings as JSON')
  .addHelpText(
    'after',
    '\nExit code 0 when it is valid, 1 when not.\n\nExamples:\n  pantavisor validate state.json\n  tar xOf device.tgz json | pantavisor validate -',
  )
  .action(async (file, options) => (await import('./offline.ts')).validate(file, options));

program
  .command('schema')
  .description('print the JSON Schema of a state document, for editors')
  .addHelpText('after', '\nExample:\n  pantavisor schema > state.schema.json')
  .action(async () => (await import('./offline.ts')).schema());

program
  .command('pack')
  .description('make an export tarball of a directory as `pvr checkout` lays it out')
  .argument('<directory>')
  .requiredOption('-o, --output <file>', 'the tarball; gzipped if it ends in .tgz or .gz')
  .addHelpText('after', '\nExample:\n  pantavisor pack my-device -o my-device.tgz')
  .action(async (directory, options) => (await import('./offline.ts')).pack(directory, options));

program
  .command('unpack')
  .description('make a directory of an export tarball')
  .argument('<file>')
  .argument('<directory>', 'must be empty or not exist')
  .action(async (file, directory) => (await import('./offline.ts')).unpack(file, directory));

addCompletion(program);
await runProgram(program);
