/**
 * The program `pantavisor`: the daemon and the offline commands. What a command needs is loaded when it is called, so
 * that help and completion are quick.
 */
import { addCompletion } from '../shared/completion.ts';
import { newProgram, runProgram } from '../shared/program.ts';

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
Configuration has Pantavisor's keys and comes, in rising precedence, from --config FILE (/etc/pantavisor.config; key=value
lines), a policy (PV_POLICY: <etc>/pantavisor/policies/NAME.config), the revision that runs (PV_OEM_NAME), --cmdline, the
environment and user metadata; \`pantavisor config KEY\` tells who won. The first two keep several daemons apart:
  PV_STORAGE_MNTPOINT        revisions, objects, logs (/var/lib/pantavisor)
  PV_SYSTEM_RUNDIR           sockets, mounts, what a reboot may forget (/run/pantavisor/pv); at most 64 bytes long
  PV_WATCH_DIR               where states are dropped: NAME.json, NAME.tgz (<storage>/incoming)
  PV_STATUS_LISTEN           host:port of a read-only status page (none)
  PV_PVR_LISTEN              host:port for pvr and others that push states (none); see pantavisor config PV_PVR_LISTEN
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
  .option('--cmdline <words>', 'pv_KEY=VALUE and ph_KEY=VALUE, as on a kernel command line')
  .addHelpText(
    'after',
    `${ENVIRONMENT}\nSIGTERM and Ctrl-C stop every container. Killed, it leaves them running, and the next one takes them over.`,
  )
  .action(async (options) => (await import('../../platform/run.ts')).run(options));

program
  .command('config')
  .description('tell what a configuration key is set to, and where that came from')
  .argument('[key]', 'such as PV_LOG_LEVEL or log.level; without one, all are listed')
  .option('-c, --config <file>', 'key=value lines; the environment overrides them')
  .option('--cmdline <words>', 'pv_KEY=VALUE and ph_KEY=VALUE, as on a kernel command line')
  .option('--json', 'print JSON')
  .addHelpText('after', '\nOf a daemon that runs: pvcontrol conf ls\n\nExample:\n  pantavisor config PV_SYSTEM_RUNDIR')
  .action(async (key, options) => (await import('./config-command.ts')).showConfig(key, options));

program
  .command('validate')
  .description('tell everything that is wrong with a state document')
  .argument('<file>', 'the document, or an export tarball; - reads standard input')
  .option('--json', 'print problems and warnings as JSON')
  .option('--strict', 'warnings, such as unknown keys, are errors')
  .addHelpText(
    'after',
    '\nExit code 0 when it is valid, 1 when not.\n\nExamples:\n  pantavisor validate state.json\n  pantavisor validate device.tgz',
  )
  .action(async (file, options) => (await import('./offline-commands.ts')).validate(file, options));

program
  .command('plan')
  .description('tell what a state would do to a device, step by step, before it does')
  .argument('<file>', 'a state document or an export tarball; - reads standard input')
  .option(
    '--against <place>',
    'a control socket or a storage directory; default: the running daemon, else an empty device',
  )
  .option('--json', 'print JSON')
  .addHelpText('after', '\nExit code 0: nothing to do, 2: changes, 1: not valid, or it would fail.')
  .action(async (file, options) => (await import('../shared/plan-command.ts')).plan(file, options));

program
  .command('schema')
  .description('print the JSON Schema of a state document, for editors')
  .addHelpText('after', '\nExample:\n  pantavisor schema > state.schema.json')
  .action(async () => (await import('./offline-commands.ts')).schema());

program
  .command('pack')
  .description('make an export tarball of a directory as `pvr checkout` lays it out')
  .argument('<directory>', 'one directory a container: app/run.json, app/root.squashfs, app/lxc.container.conf')
  .requiredOption('-o, --output <file>', 'the tarball; gzipped if it ends in .tgz or .gz')
  .addHelpText('after', '\nExample:\n  pantavisor pack my-device -o my-device.tgz')
  .action(async (directory, options) => (await import('./offline-commands.ts')).pack(directory, options));

program
  .command('unpack')
  .description('make a directory of an export tarball')
  .argument('<file>', 'the tarball')
  .argument('<directory>', 'must be empty or not exist')
  .addHelpText('after', '\nExample:\n  pantavisor unpack my-device.tgz my-device')
  .action(async (file, directory) => (await import('./offline-commands.ts')).unpack(file, directory));

const STORAGE = ['-s, --storage <dir>', 'storage directory (PV_STORAGE_MNTPOINT, /var/lib/pantavisor)'] as const;

program
  .command('export')
  .description('write a revision with its objects to a tarball')
  .argument('<revision>', 'such as 0, 7 or locals/web')
  .argument('<file>', 'gzipped if it ends in .tgz or .gz')
  .option(...STORAGE)
  .addHelpText('after', '\nExample:\n  pantavisor export locals/web web.tgz')
  .action(async (revision, file, options) =>
    (await import('./transfer-commands.ts')).exportTo(revision, file, options),
  );

program
  .command('import')
  .description('bring a tarball into the storage as a revision')
  .argument('<file>')
  .option('-n, --name <revision>', 'what it becomes (locals/NAME of the file)')
  .option('--run', 'leave it to the daemon, which runs it at once or at its next start')
  .option(...STORAGE)
  .addHelpText(
    'after',
    '\nAn import that was cut off is taken up where it ended.\n\nExample:\n  pantavisor import web.tgz --name locals/web-2 --run',
  )
  .action(async (file, options) => (await import('./transfer-commands.ts')).importFrom(file, options));

program
  .command('diff')
  .description('tell what makes one revision differ from another: containers, objects, an RFC 6902 patch')
  .argument('<revision>')
  .argument('<other>')
  .option('--json', 'print it as JSON')
  .option(...STORAGE)
  .addHelpText('after', '\nExit code 0 when nothing differs, 1 when something does.')
  .action(async (before, after, options) => (await import('./transfer-commands.ts')).diff(before, after, options));

program
  .command('gc')
  .description('remove revisions and objects that nobody needs from a storage that no daemon works on')
  .option(...STORAGE)
  .addHelpText('after', '\nA running daemon does it itself, and when asked: pvcontrol storage gc')
  .action(async (options) => (await import('./transfer-commands.ts')).gc(options));

program
  .command('history')
  .description('tell what became of every revision, and why, from the storage')
  .option(...STORAGE)
  .option('--json', 'print JSON')
  .action(async (options) => (await import('../pvcontrol/history-command.ts')).historyOf(options));

addCompletion(program);
await runProgram(program);
