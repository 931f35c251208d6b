/** The commands of a transaction, for `pvtx` and for `pvcontrol tx`. */
import type { Command } from 'commander';
import type { GlobalOptions } from '../pvcontrol/question.ts';

type Globals = () => GlobalOptions;

const running = async () => import('./transaction-commands.ts');

const BASE = 'current (what runs), empty, a state document, or a directory with json or .pvr/json in it';
const FILE = 'a tarball as `pvr export` makes it, raw, gzip or bzip2, or a state document; - reads standard input';
const PART = 'the beginning of its keys, such as web; what its signature covers goes with it';

// No argument is required for commander: pvtx has exit codes of its own for what is missing.
const addQueue = (parent: Command, globals: Globals): void => {
  const queue = parent.command('queue').description('collect changes, to apply them later').helpCommand(false);
  queue
    .command('new')
    .description('begin a queue: changes are collected in a directory, their objects in another')
    .argument('[queue]', 'directory')
    .argument('[objects]', 'directory')
    .action(async (directory, objects) => (await running()).newQueue(directory, objects, globals()));
  queue
    .command('unpack')
    .description('add parts to the queue')
    .argument('[file]', FILE)
    .allowUnknownOption()
    .action(async (file) => (await running()).unpack(file, globals()));
  queue
    .command('remove')
    .description('add the removal of a part to the queue')
    .argument('[part]', PART)
    .action(async (part) => (await running()).enqueueRemoval(part, globals()));
  queue
    .command('process')
    .description('apply the queue to the transaction; deploy follows')
    .argument('[base]', `begin one from this first: ${BASE}`)
    .argument('[queue]', 'directory, if not that of queue new')
    .argument('[objects]', 'directory, if not that of queue new')
    .action(async (base, directory, objects) =>
      (await running()).processQueue({ base, directory, objects }, globals()),
    );
};

export const addTransactionCommands = (parent: Command, globals: Globals): void => {
  parent
    .command('begin')
    .description('begin a transaction')
    .argument('[base]', BASE, 'current')
    .argument('[objects]', 'directory for its objects: the transaction is local, for deploy')
    .action(async (base, objects) => (await running()).begin(base, objects, globals()));
  parent
    .command('add')
    .description('put parts into the state, in place of those of the same names')
    .argument('[file]', FILE)
    .allowUnknownOption()
    .action(async (file) => (await running()).add(file, globals()));
  parent
    .command('remove')
    .description('take a part out of the state')
    .argument('[part]', PART)
    .action(async (part) => (await running()).remove(part, globals()));
  parent
    .command('show')
    .description('print the state as it is now')
    .action(async () => (await running()).show(globals()));
  parent
    .command('commit')
    .description('install the state as a revision, and print its name; it is not run')
    .argument('[revision]', 'locals/NAME; default: one is made up')
    .action(async (revision) => (await running()).commit(revision, globals()));
  parent
    .command('deploy')
    .description('check a local transaction out into a directory')
    .argument('[directory]')
    .action(async (directory) => (await running()).deploy(directory, globals()));
  parent
    .command('abort')
    .description('throw the transaction away')
    .action(async () => (await running()).abort(globals()));
  addQueue(parent, globals);
};

/** `program` is how people call it: `pvtx`, or `pvcontrol tx`. */
export const transactionExamples = (program: string, run: string): string => `
Examples:
  ${program} begin                      from what runs now
  ${program} add web.tgz                put web in, or in place of the one that is there
  ${program} remove db                  take db out
  ${program} show                       look at the state
  ${run}
                                  install it, and run it
  ${program} abort                      or rather not

The transaction is kept in PVTXDIR, by default /var/cache/pvtx for root, ~/.local/share/pvtx for others.`;
