/** The program `pvcontrol`: the client of the control socket, with Pantavisor's commands and exit codes. */
import type { Command } from 'commander';
import { addTransactionCommands, transactionExamples } from '../pvtx/commands.ts';
import { addCompletion } from '../shared/completion.ts';
import { newProgram, runProgram } from '../shared/program.ts';
import { addDeviceCommands, addStepCommands } from './device-commands.ts';
import { addGuestCommands } from './guest-commands.ts';
import { knownNames } from './known-names.ts';
import { addLogCommands } from './log-commands.ts';
import { acceptBehind, globalsOf } from './output-options.ts';
import { failAsShellTool, runElsewhere, tellScripts } from './shell-tool.ts';

const EXAMPLES = `
Examples:
  pvcontrol status --watch            what the device is doing, and why
  pvcontrol ls                        its containers
  pvcontrol top                       what they use
  pvcontrol enter web                 a shell inside one of them
  pvcontrol explain web               why one of them was started, stopped or waits
  pvcontrol containers restart web    one of them anew
  pvcontrol logs -f web               what it says
  pvcontrol steps show-progress locals/my-device

People get tables, programs JSON: --json and --table choose. The socket is the one of -s, else of PV_SYSTEM_RUNDIR, else
/run/pantavisor/pv/pv-ctrl, /pv/pv-ctrl or, in a container, /pantavisor/pv-ctrl.

Exit codes: 0 done, 75 busy, try again, 48 no room, 60 wrong checksum, 255 refused, 1 nobody answered or the command is
wrong; of enter and exec that of the command.`;

const program = newProgram('pvcontrol', 'Asks and tells the pantavisor of this device.')
  .option('-s <socket>', 'control socket')
  .option('-f <file>', 'write the answer to a file')
  .option('-m <message>', 'what a revision is about, for steps put and steps install')
  .option('-v', 'tell what is asked and answered')
  .option('--json', 'print JSON, whatever the output is')
  .option('--table', 'print tables, whatever the output is')
  .addHelpText('after', EXAMPLES);

failAsShellTool(program);
const globals = globalsOf(program);
const words = process.argv.slice(2);
runElsewhere('pvcontrol', words);
const lists = async () => import('./lists.ts');
const orders = async () => import('./control-commands.ts');

const CONTAINER_COLUMNS = ['name', 'group', 'status', 'status_goal', 'restart_policy', 'roles'];
const GROUP_COLUMNS = ['name', 'status', 'status_goal', 'restart_policy'];
const STEP_COLUMNS = ['name', 'date', 'commitmsg', 'progress'];

const addList = (
  parent: Command,
  name: string,
  path: string,
  columns: readonly string[],
  description: string,
): void => {
  parent
    .command(name)
    .alias('list')
    .description(description)
    .option('-w, --watch', 'again whenever something changes')
    .action(async ({ watch }: { readonly watch?: true }) => {
      const { printList, watchList } = await lists();
      await (watch ? watchList : printList)({ path, columns }, globals());
    });
};

program
  .command('status')
  .description('what the device is, should be, and why it is not')
  .option('-w, --watch', 'keep showing it')
  .action(async (options) => (await import('./status-command.ts')).status(options, globals()));

program
  .command('plan')
  .description('what would happen, step by step: for a state, or what comes next')
  .argument('[file]', 'a state document or an export tarball; default: what the daemon is about to do')
  .addHelpText('after', '\nExit code 0: nothing to do, 2: changes, 1: not valid, or it would fail.')
  .action(async (file: string | undefined) => {
    const { plan, planOfNow } = await import('../shared/plan-command.ts');
    const socket = await (await import('./client.ts')).findSocket(globals().s, process.env);
    const json = globals().json === true ? { json: true as const } : {};
    await (file === undefined ? planOfNow(socket, json) : plan(file, { against: socket, ...json }));
  });

program
  .command('explain')
  .description('what was last done to something, and why')
  .argument('<resource>', 'a container, or KIND/NAME such as volume/web/root.squashfs, group/app, update')
  .action(async (resource: string) => (await import('./history-command.ts')).explain(resource, globals()));

program
  .command('history')
  .description('what became of every revision, and why')
  .action(async () => (await import('./history-command.ts')).history(globals()));

addList(program, 'ls', '/containers', CONTAINER_COLUMNS, 'list containers');

const containers = program
  .command('containers')
  .alias('container')
  .description('list and control containers')
  .helpCommand(false);
addList(containers, 'ls', '/containers', CONTAINER_COLUMNS, 'list them');
for (const action of ['start', 'stop', 'restart'])
  containers
    .command(action)
    .description(`${action} a container whose restart policy is "container"`)
    .argument('<container>')
    .action(async (name: string) => (await orders()).controlContainer(name, action, globals()));

addGuestCommands(program, globals);
addLogCommands(program, globals);

const groups = program.command('groups').alias('group').description('list groups').helpCommand(false);
addList(groups, 'ls', '/groups', GROUP_COLUMNS, 'list them in starting order');

const steps = program
  .command('steps')
  .description('look at and install revisions')
  .addHelpText(
    'after',
    '\nExamples:\n  pvcontrol -m "new web" steps install web.tgz locals/web && pvcontrol cmd run locals/web\n  pvcontrol steps show-progress --watch locals/web\n  pvcontrol steps get current | jq .',
  )
  .helpCommand(false);
addList(steps, 'ls', '/steps', STEP_COLUMNS, 'list them');
addStepCommands(steps, globals);
steps
  .command('show-progress')
  .description('how far a revision is')
  .argument('<revision>', 'such as 7, locals/web or current')
  .option('-w, --watch', 'until it is over: exit code 0 when it was committed, else 255')
  .action(async (revision: string, { watch }: { readonly watch?: true }) => {
    const { showProgress, watchProgress } = await import('./progress-command.ts');
    await (watch ? watchProgress : showProgress)(revision, globals());
  });

program
  .command('signal')
  .description('tell pantavisor about this container, from inside it')
  .addArgument(program.createArgument('<signal>').choices(['ready', 'alive']))
  .action(async (signal: string) => (await orders()).sendSignal(signal, globals()));

program
  .command('storage')
  .description('look after the storage')
  .helpCommand(false)
  .command('gc')
  .description('remove revisions and objects that nobody needs')
  .action(async () => (await orders()).collectGarbage(globals()));

addDeviceCommands(program, globals);
const tx = program
  .command('tx')
  .description('make a new state by adding and removing parts, as pvtx does')
  .addHelpText('after', transactionExamples('pvcontrol tx', 'pvcontrol cmd run "$(pvcontrol tx commit)"'))
  .helpCommand(false);
addTransactionCommands(tx, globals);
addCompletion(program, knownNames(globals));
acceptBehind(program);
await runProgram(program, words, tellScripts);
