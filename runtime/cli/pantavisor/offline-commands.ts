/** The offline commands: they need no daemon, no root, and touch nothing but the files they are given. */
import { resolve } from 'node:path';
import type { Problem } from '../../../resources/state-format/problem.ts';
import { DEFAULT_INIT_MODE, isAppengine } from '../../config/init-mode.ts';

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Where things would be does not matter for whether a state is valid, only that they are somewhere. */
const CONTEXT = {
  revision: 'locals/validate',
  goalsTimeoutSeconds: 120,
  verityHandlers: false,
  appengine: isAppengine(DEFAULT_INIT_MODE),
  paths: {
    storage: '/storage',
    run: '/run',
    logs: '/logs',
    volumes: '/volumes',
    config: '/configs',
    media: '/media',
    watch: '/incoming',
    lxc: '/lxc',
  },
};

const inspect = async (document: Uint8Array) => {
  const [{ readState }, { sha256 }] = await Promise.all([
    import('../../../resources/state-format/read-state.ts'),
    import('../../store/objects/hash.ts'),
  ]);
  return readState(document, { ...CONTEXT, sha256 });
};

const lines = (problems: readonly Problem[]): string => problems.map(({ message }) => message).join('\n');

/** Prints every problem of a state document. Exit code 1 when it has any; strict: also when it has warnings. */
export const validate = async (
  file: string,
  options: { readonly json?: true; readonly strict?: true },
): Promise<void> => {
  const { readStateInput } = await import('../shared/state-input.ts');
  const read = await inspect((await readStateInput(file)).document);
  const problems = read.ok ? [] : read.problems;
  const warnings = read.ok ? read.warnings : [];
  const named = file === '-' ? 'standard input' : file;
  const isGood = read.ok && !(options.strict && warnings.length > 0);
  if (!isGood) process.exitCode = 1;
  if (options.json) {
    print(JSON.stringify({ valid: isGood, problems, warnings }, null, 2));
    return;
  }
  if (problems.length > 0) print(lines(problems));
  if (warnings.length > 0) process.stderr.write(warnings.map(({ message }) => `warning: ${message}\n`).join(''));
  if (!isGood && read.ok) process.stderr.write(`${named} has ${plural(warnings.length, 'warning')}\n`);
  else if (read.ok) {
    const { containers, groups } = read.state;
    print(`${named} is valid: ${plural(containers.length, 'container')} in ${plural(groups.length, 'group')}`);
  } else {
    process.stderr.write(`${named} has ${plural(problems.length, 'problem')}\n`);
  }
};

/** Prints the JSON Schema of a state document. */
export const schema = async (): Promise<void> => {
  const { stateJsonSchema } = await import('../../../resources/state-format/json-schema.ts');
  print(JSON.stringify(stateJsonSchema(), null, 2));
};

/** Writes a directory as an export tarball. Why a device would refuse it is told, no more: it may be a part of something. */
export const pack = async (directory: string, options: { readonly output: string }): Promise<void> => {
  const [{ packDirectory }, { linuxFiles }] = await Promise.all([
    import('../../store/archive/pack.ts'),
    import('../../host/linux/files/linux-files.ts'),
  ]);
  const places = { directory: resolve(directory), output: resolve(options.output) };
  const { objects, hash, document } = await packDirectory(linuxFiles, places);
  const sizeBytes = objects.reduce((sum, object) => sum + object.sizeBytes, 0);
  print(`${options.output}: ${plural(objects.length, 'object')}, ${sizeBytes} bytes, state ${hash}`);
  const read = await inspect(Buffer.from(document));
  if (!read.ok) process.stderr.write(`a device would refuse it:\n${lines(read.problems)}\n`);
};

/** Writes an export tarball as a directory. */
export const unpack = async (file: string, directory: string): Promise<void> => {
  const [{ unpackTarball }, { linuxFiles }] = await Promise.all([
    import('../../store/archive/unpack.ts'),
    import('../../host/linux/files/linux-files.ts'),
  ]);
  const { entries } = await unpackTarball(linuxFiles, { archive: resolve(file), directory: resolve(directory) });
  print(`${directory}: ${plural(entries.size, 'key')} of the state`);
};
