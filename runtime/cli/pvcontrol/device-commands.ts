/** pvcontrol's commands about the whole device: what may be sent, to where. */
import type { Command } from 'commander';
import type { GlobalOptions } from './question.ts';

type Globals = () => GlobalOptions;

const lists = async () => import('./lists.ts');
const orders = async () => import('./control-commands.ts');
const transfers = async () => import('./object-transfer.ts');

const show = (parent: Command, words: readonly string[], path: string, description: string, globals: Globals): void => {
  const [name = '', ...aliases] = words;
  parent
    .command(name)
    .aliases(aliases)
    .description(description)
    .action(async () => (await orders()).show(path, globals()));
};

const showMap = (parent: Command, path: string, globals: Globals): void => {
  parent
    .command('ls')
    .alias('list')
    .description('print it')
    .action(async () => (await lists()).printMap(path, globals()));
};

/** A command with commands of its own. */
const family = (program: Command, words: readonly string[], description: string): Command => {
  const [name = '', ...aliases] = words;
  return program.command(name).aliases(aliases).description(description).helpCommand(false);
};

interface Order {
  readonly operation: string;
  readonly description: string;
  /** As commander writes it; undefined: it takes none. */
  readonly argument?: string;
}

const ORDERS: Readonly<Record<string, Order>> = {
  run: { operation: 'LOCAL_RUN', argument: '<revision>', description: 'run a revision that is installed' },
  'run-commit': { operation: 'LOCAL_RUN_COMMIT', argument: '<revision>', description: 'run it by a reboot' },
  reboot: { operation: 'REBOOT_DEVICE', argument: '[message]', description: 'reboot the device' },
  poweroff: { operation: 'POWEROFF_DEVICE', argument: '[message]', description: 'power it off' },
  'make-factory': {
    operation: 'MAKE_FACTORY',
    argument: '[revision]',
    description: 'make a revision, else the one that runs, the factory revision 0',
  },
  'run-gc': { operation: 'RUN_GC', description: 'remove revisions and objects that nobody needs' },
  'enable-ssh': { operation: 'ENABLE_SSH', description: 'let the debug SSH server run' },
  'disable-ssh': { operation: 'DISABLE_SSH', description: 'and not' },
  'go-remote': { operation: 'GO_REMOTE', description: 'talk to the Hub' },
  unclaim: { operation: 'UNCLAIM', description: 'forget whose device it is at the Hub' },
  'defer-reboot': {
    operation: 'DEFER_REBOOT',
    argument: '<seconds>',
    description: 'put off a reboot that waits for the debug shell',
  },
};

const addOrders = (program: Command, globals: Globals): void => {
  const parent = family(program, ['cmd', 'command', 'commands'], 'have the device do something');
  parent.addHelpText(
    'after',
    '\nExit code 75: the device is busy with an update, try again.\n\nExamples:\n  pvcontrol cmd run locals/web\n  pvcontrol cmd reboot "new kernel"',
  );
  for (const [name, { operation, argument, description }] of Object.entries(ORDERS)) {
    const order = parent.command(name).description(description);
    if (argument !== undefined) order.argument(argument);
    const text = (payload: unknown): string => (typeof payload === 'string' ? payload : '');
    if (name === 'run')
      order
        .option('--wait', 'follow it until it is committed or given up; then exit 0 only when it was committed')
        .action(async (payload: unknown, { wait }: { readonly wait?: true }) => {
          await (await orders()).command(operation, text(payload), globals());
          if (wait && process.exitCode === 0)
            await (await import('./progress-command.ts')).watchProgress(text(payload), globals());
        });
    else order.action(async (payload: unknown) => (await orders()).command(operation, text(payload), globals()));
  }
};

const addMetadata = (program: Command, words: readonly string[], path: string, globals: Globals): void => {
  const parent = family(program, words, `look at and change ${path.slice(1).replace('-meta', ' metadata')}`);
  parent.addHelpText(
    'after',
    `\nContainers see keys that begin with their name in /pantavisor${path}.\n\nExamples:\n  pvcontrol ${words[0]} save web.colour red\n  pvcontrol ${words[0]} save web.limits '{"cpu":2}'\n  pvcontrol ${words[0]} delete web.colour`,
  );
  showMap(parent, path, globals);
  const save = parent
    .command('save')
    .description('set a key')
    .argument('<key>')
    .argument('[value]')
    .passThroughOptions();
  if (path === '/device-meta') save.alias('upload');
  save.action(async (key: string, value: string | undefined) =>
    (await orders()).saveMetadata(path, key, value ?? '', globals()),
  );
  parent
    .command('delete')
    .description('remove a key')
    .argument('<key>')
    .action(async (key: string) => (await orders()).deleteMetadata(path, key, globals()));
};

const addObjects = (program: Command, globals: Globals): void => {
  const objects = family(program, ['objects'], 'look at and bring objects');
  objects.addHelpText(
    'after',
    '\nExamples:\n  pvcontrol objects put root.squashfs "$(sha256sum <root.squashfs | cut -c-64)"\n  curl -s "$url" | pvcontrol objects put -1048576 "$sha"      standard input, of so many bytes\n  pvcontrol -f root.squashfs objects get "$sha"',
  );
  objects
    .command('ls')
    .alias('list')
    .description('list them')
    .action(async () => (await lists()).printList({ path: '/objects', columns: ['sha256', 'size'] }, globals()));
  objects
    .command('put')
    .description('store a file under its sha256')
    .argument('<file>', 'or -SIZE: so many bytes of standard input')
    .argument('<sha256>')
    .allowUnknownOption()
    .action(async (file: string, sha: string) => (await transfers()).putObject(file, sha, globals()));
  objects
    .command('get')
    .description('print an object, or write it to the file of -f')
    .argument('<sha256>')
    .action(async (sha: string) => (await transfers()).getObject(sha, globals()));
};

const addDaemons = (program: Command, globals: Globals): void => {
  const daemons = family(program, ['daemons'], 'look at and control helper daemons');
  daemons
    .command('ls')
    .alias('list')
    .description('list them')
    .action(async () =>
      (await lists()).printList({ path: '/daemons', columns: ['name', 'pid', 'respawn'] }, globals()),
    );
  for (const action of ['start', 'stop', 'restart'])
    daemons
      .command(action)
      .description(`${action} one`)
      .argument('<name>')
      .action(async (name: string) => (await orders()).controlDaemon(name, action, globals()));
};

export const addDeviceCommands = (program: Command, globals: Globals): void => {
  addOrders(program, globals);
  addObjects(program, globals);
  addMetadata(program, ['devmeta'], '/device-meta', globals);
  addMetadata(program, ['usrmeta'], '/user-meta', globals);
  showMap(family(program, ['config'], 'the configuration by its older names'), '/config', globals);
  family(program, ['configuration', 'conf'], 'the configuration')
    .command('ls')
    .alias('list')
    .description('print every key, its value and who set it')
    .action(async () =>
      (await lists()).printList({ path: '/config2', columns: ['key', 'value', 'modified'] }, globals()),
    );
  show(
    family(program, ['graph'], 'services between containers'),
    ['ls', 'list'],
    '/xconnect-graph',
    'print it',
    globals,
  );
  addDaemons(program, globals);
  show(program, ['buildinfo'], '/buildinfo', 'what the daemon was built from', globals);
};

/** Beside those of pvcontrol.ts. */
export const addStepCommands = (steps: Command, globals: Globals): void => {
  steps
    .command('get')
    .description('print the state of a revision')
    .argument('<revision>', 'such as 7, locals/web or current')
    .action(async (revision: string) => (await orders()).showState(revision, globals()));
  steps
    .command('put')
    .description('install a state as a revision, without running it')
    .argument('<file>')
    .argument('<revision>', 'locals/NAME')
    .action(async (file: string, revision: string) => (await transfers()).putState(file, revision, globals()));
  steps
    .command('install')
    .description('install an export tarball with its objects')
    .argument('<file>', '*.tgz')
    .argument('[revision]', 'default: locals/ and the sha256 of the file')
    .action(async (file: string, revision: string | undefined) =>
      (await transfers()).installTarball(file, revision, globals()),
    );
};
