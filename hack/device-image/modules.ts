/** Kernel modules with those they need, as depmod(8) finds them, without running it: the order in which insmod takes them. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** modprobe takes a dash for an underscore. */
const nameOf = (path: string): string => basename(path).replace(/\.ko$/, '').replaceAll('-', '_');

export interface Kernel {
  readonly release: string;
  /** Directory with `lib/modules/<release>` in it. */
  readonly root: string;
}

/**
 * Copies modules with everything that they depend on into `target`, with the indexes that modprobe reads.
 * A name that is built into the kernel is passed over. @throws Error for a name that the kernel has not got.
 */
export const copyModules = ({ release, root }: Kernel, names: readonly string[], target: string): void => {
  const directory = join(root, 'lib/modules', release);
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ko'));
  const byName = new Map(files.map((file) => [nameOf(file), file]));
  const builtIn = new Set(readFileSync(join(directory, 'modules.builtin'), 'utf8').split('\n').map(nameOf));
  const wanted = new Set<string>();
  const want = (name: string): void => {
    const file = byName.get(nameOf(name));
    if (file === undefined) {
      if (builtIn.has(nameOf(name))) return;
      throw new Error(`the kernel ${release} has no module ${name}`);
    }
    if (wanted.has(file)) return;
    wanted.add(file);
    for (const needed of dependenciesOf(join(directory, file))) want(needed);
  };
  for (const name of names) want(name);

  const to = join(target, 'lib/modules', release);
  for (const file of wanted) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(directory, file), join(to, file));
  }
  for (const index of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order'])
    copyFileSync(join(directory, index), join(to, index));
  execFileSync('busybox', ['depmod', '-b', target, release], { stdio: ['ignore', 'ignore', 'inherit'] });
  // What busybox writes has the order of the directory; modprobe needs none.
  for (const index of ['modules.dep', 'modules.alias', 'modules.symbols']) sortLines(join(to, index));
};

const sortLines = (file: string): void => {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  writeFileSync(file, `${lines.sort().join('\n')}\n`);
};

/** The `depends=` of the module's own information section. */
const dependenciesOf = (file: string): readonly string[] => {
  const [, list = ''] = /\0depends=([^\0]*)\0/.exec(readFileSync(file).toString('latin1')) ?? [];
  return list.split(',').filter((name) => name !== '');
};
