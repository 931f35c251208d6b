/**
 * The rooms of this project, and what each may import: checked by `hack/test` and by every run of the unit tests.
 *
 * A room is a folder with everything below it, unless a deeper folder is a room of its own. It may import from itself
 * and from the rooms, files and packages that its row names. What no row allows is
 * an error, and so is a folder that no row describes. Tests may import everything; nobody imports `test` or `hack`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, posix, resolve } from 'node:path';

interface Room {
  /** What the room holds, for people. */
  readonly holds: string;
  /** Rooms, single files, and packages that only some rooms may use (`MACHINE`, or any where `isPure`). */
  readonly mayImport: readonly string[];
  /** No package but those named. */
  readonly isPure?: true;
  /** Its files do not know each other. */
  readonly hasNoSiblings?: true;
}

/** What touches a machine. Everything else reaches it through the host port. */
const MACHINE = ['ffi-rs', 'node:fs', 'node:fs/promises', 'node:child_process'];
/** The words that every room speaks. */
const WORDS = ['resources/**'];
const PORT = [...WORDS, 'runtime/host'];
const ENGINE = [...PORT, 'runtime/engine'];
const STORE = [...ENGINE, 'runtime/store'];
const LINUX = [...PORT, 'runtime/host/linux', ...MACHINE];

export const ROOMS: Readonly<Record<string, Room>> = {
  resources: {
    holds: 'the vocabulary: refs, plans, actions, the snapshot',
    mayImport: ['zod', ...WORDS],
    isPure: true,
  },
  'resources/kinds': { holds: 'spec and status of every kind', mayImport: ['zod', ...WORDS], isPure: true },
  'resources/state-format': {
    holds: 'state documents: manifests, parsing, compiling',
    mayImport: ['zod', ...WORDS],
    isPure: true,
  },
  'resources/log-format': {
    holds: 'log messages as they are on the wire',
    mayImport: ['zod', ...WORDS],
    isPure: true,
  },
  'resources/lxc': { holds: 'LXC configuration files', mayImport: ['zod', ...WORDS], isPure: true },
  reconcilers: { holds: 'the decisions, pure', mayImport: WORDS, isPure: true },
  controllers: {
    holds: 'per kind: watch, observe, execute',
    mayImport: [...STORE, 'reconcilers', 'runtime/device/boot.ts'],
    hasNoSiblings: true,
  },
  'runtime/host': { holds: 'the host port', mayImport: WORDS },
  'runtime/host/linux': { holds: 'the port on Linux', mayImport: LINUX },
  'runtime/host/simulated': { holds: 'the port in memory, for rehearsals and tests', mayImport: PORT },
  'runtime/engine': { holds: 'the loop, which knows no kinds', mayImport: PORT },
  'runtime/history': { holds: 'what happened and why', mayImport: ENGINE },
  'runtime/store': { holds: 'revisions, objects and boot variables on disk', mayImport: STORE },
  'runtime/metadata': { holds: 'user and device metadata', mayImport: STORE },
  'runtime/logging': { holds: 'the log server', mayImport: ENGINE },
  'runtime/config': {
    holds: 'configuration keys and their values',
    mayImport: ['runtime/trust/trust-settings.ts', ...WORDS, 'runtime/store/boot/**'],
  },
  'runtime/http': { holds: 'HTTP servers that survive their clients', mayImport: PORT },
  'runtime/api': {
    holds: 'the control socket and the status listener',
    mayImport: [
      ...STORE,
      'runtime/http',
      'runtime/config',
      'runtime/history',
      'runtime/logging',
      'runtime/rehearsal/rehearsal-queue.ts',
    ],
  },
  'runtime/push': {
    holds: 'pushing from outside',
    mayImport: [...STORE, 'runtime/http', 'runtime/api', 'runtime/config', 'runtime/history', 'runtime/sources'],
  },
  'runtime/sources': { holds: 'sources of desired state', mayImport: STORE },
  'runtime/transaction': { holds: 'states made of other states, for pvtx', mayImport: STORE },
  'runtime/trust': { holds: 'whether signatures let a state run', mayImport: [...PORT, 'runtime/config'] },
  'runtime/threads': {
    holds: 'work in threads of its own',
    mayImport: ['runtime/trust', ...STORE, 'runtime/rehearsal'],
  },
  'runtime/rehearsal': {
    holds: 'plans: the device simulated ahead of time',
    mayImport: [
      'runtime/trust',
      ...STORE,
      'runtime/host/simulated',
      'runtime/host/linux/files/**',
      'reconcilers',
      'runtime/device',
      'runtime/sources',
      'runtime/threads',
      'runtime/config/init-mode.ts',
    ],
  },
  'runtime/device': {
    holds: 'one device on any host: the parts, put together',
    mayImport: [
      'runtime/trust',
      ...STORE,
      'controllers',
      'reconcilers',
      'runtime/api',
      'runtime/config',
      'runtime/history',
      'runtime/logging',
      'runtime/metadata',
      'runtime/push',
      'runtime/sources',
      'runtime/threads',
      'runtime/platform',
      'runtime/host/linux',
    ],
  },
  'runtime/platform': {
    holds: 'the process on a machine: signals, log, configuration',
    mayImport: [
      'runtime/trust',
      ...LINUX,
      'reconcilers',
      'runtime/api',
      'runtime/config',
      'runtime/device',
      'runtime/engine',
      'runtime/rehearsal',
      'runtime/sources',
      'runtime/store',
      'runtime/threads',
      'runtime/cli/shared/**',
    ],
  },
  'runtime/cli': { holds: 'the command lines', mayImport: [...WORDS, 'runtime/**', ...MACHINE] },
};

const project = resolve(import.meta.dirname, '..');

/** The room of a file or folder; undefined: it is in none. */
export const roomOf = (path: string): string | undefined => {
  for (let folder = path; folder !== '.'; folder = dirname(folder)) if (folder in ROOMS) return folder;
  return undefined;
};

/** `a/**` stands for everything below `a`, `a` for the room `a` or the file or package `a`. */
const isAllowed = (target: string, allowed: string): boolean =>
  allowed.endsWith('/**')
    ? target.startsWith(allowed.slice(0, -2))
    : target === allowed || (target.endsWith('.ts') && roomOf(target) === allowed);

/** Why a file of `room` must not import `target`, a path in the project or the name of a package; undefined: it may. */
const objection = (room: string, target: string): string | undefined => {
  const { mayImport, holds, isPure, hasNoSiblings } = ROOMS[room] as Room; // a key of it
  const isPackage = !target.endsWith('.ts');
  if (isPackage && isPure !== true && !MACHINE.includes(target)) return undefined;
  if (!isPackage && roomOf(target) === room && hasNoSiblings !== true) return undefined;
  if (mayImport.some((allowed) => isAllowed(target, allowed))) return undefined;
  return `${room} (${holds}) must not import ${target}`;
};

export const importsIn = (path: string, text: string): string[] =>
  [...text.matchAll(/(?:^(?:import|export)\b[^;']*?\bfrom |\bimport\(|^import )'([^'\n]+)'/gm)].map(([, name = '']) =>
    name.startsWith('.') ? posix.join(dirname(path), name) : name,
  );

/** Everything that is wrong with the imports of one file. */
export const problemsIn = (path: string, text: string): string[] => {
  const room = roomOf(path);
  if (room === undefined) return [`${path}: no room in hack/import-rules.ts describes this folder`];
  return importsIn(path, text)
    .filter((target) => target !== 'package.json')
    .map((target) => objection(room, target))
    .filter((problem) => problem !== undefined)
    .map((problem) => `${path}: ${problem}`);
};

/** The source files of the product, new ones included. */
export const sources = (): string[] =>
  execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', 'resources', 'reconcilers', 'controllers', 'runtime'],
    {
      cwd: project,
      encoding: 'utf8',
    },
  )
    .split('\n')
    .filter((path) => path.endsWith('.ts'));

export const importProblems = (): string[] =>
  sources().flatMap((path) => problemsIn(path, readFileSync(resolve(project, path), 'utf8')));
