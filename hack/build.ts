/**
 * Builds dist/: `pantavisor`, `pvcontrol` and `pvtx`, executables that work from any directory and through symlinks.
 *
 * dist/<program>        a POSIX sh launcher: finds its own directory, then node
 * dist/<program>.mjs    turns Node's compile cache on, then loads the program
 * dist/lib/             the programs, bundled, split so that a command loads only what it needs
 * dist/node             link to the Node that the project brings, else to the one that runs this
 * dist/.cache           compiled code; the user's own cache directory when dist cannot be written
 *
 * The native library (ffi-rs) stays in node_modules beside dist. Run with node hack/build.ts; --watch is not needed,
 * it takes a fraction of a second.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const project = resolve(import.meta.dirname, '..');
/** Another directory than dist/ is for tests; native code resolves from dist/ only. */
const dist = resolve(process.argv[2] ?? join(project, 'dist'));
const lib = join(dist, 'lib');
const PROGRAMS = ['pantavisor', 'pvcontrol', 'pvtx'];
/** What the daemon runs in threads of their own. */
const THREADS = ['plan', 'state'];

/**
 * USR1 would open Node's debugger. Semi-space: a daemon that idles need not keep 16 MB for young objects; 4 MB less of it
 * stay resident. The collector is called when the daemon comes to rest (runtime/device/release-memory.ts); V8's own way to that end
 * is a timer that wakes an idle daemon every 8 s. Sparkplug compiles what is called a second time: most of a daemon's
 * code, which is no faster for it by anything that can be measured, and 2 MB larger. Compiled code is kept for these very
 * flags.
 */
const NODE_FLAGS = [
  '--disable-sigusr1',
  '--max-semi-space-size=1',
  '--expose-gc',
  '--no-memory-reducer',
  '--no-sparkplug',
];

/** Packages that cannot be bundled: native code finds its library by its own path. */
const EXTERNAL = ['ffi-rs'];

/** Bundled CommonJS packages ask for Node's own modules with require, which ES modules have not got. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const launcher = (program: string): string => `#!/bin/sh
# Starts ${program}; written by hack/build.ts.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=\${self%/*}/$link ;;
  esac
done
case $self in
  */*) dist=\${self%/*} ;;
  *) dist=. ;;
esac
exec "$dist/node" ${NODE_FLAGS.join(' ')} "$dist/${program}.mjs" "$@"
`;

/** Static imports run before any statement: the cache must be on before the program is even looked at. */
const starter = (program: string): string => `import { accessSync, constants } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
let cache = import.meta.dirname + '/.cache';
try {
  accessSync(cache, constants.W_OK);
} catch {
  // Never the shared /tmp that Node would take: whoever writes the cache writes our code.
  cache = (process.env.XDG_CACHE_HOME || homedir() + '/.cache') + '/pantavisor';
}
enableCompileCache(cache);
await import('./lib/${program}.mjs');
`;

/** Never half-written: the launcher of a running daemon may be started again at any moment. */
const put = (file: string, content: string, mode: number): void => {
  writeFileSync(`${file}.new`, content);
  chmodSync(`${file}.new`, mode);
  renameSync(`${file}.new`, file);
};

/** The real binary: node_modules/.bin/node is a link into the package for this machine. */
const linkNode = (): void => {
  const link = join(dist, 'node');
  const brought = join(project, `node_modules/node-linux-${process.arch}/bin/node`);
  rmSync(link, { force: true });
  symlinkSync(existsSync(brought) ? relative(dist, brought) : process.execPath, link);
};

/**
 * Zod brings its messages in fifty languages; ours are our own. As one file they are a fifth of the bundle.
 * rxjs serves Node its CommonJS build, of which nothing can be left out; its ES modules come to a quarter of that.
 */
const slim: Plugin = {
  name: 'slim',
  setup({ onLoad }) {
    onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
      resolveDir: join(project, 'node_modules/zod/v4/locales'),
    }));
  },
};
const ALIAS = { rxjs: join(project, 'node_modules/rxjs/dist/esm/index.js') };

const bundle = () =>
  build({
    entryPoints: [
      ...PROGRAMS.map((name) => ({ in: join(project, `runtime/cli/${name}/${name}.ts`), out: name })),
      ...THREADS.map((name) => ({ in: join(project, `runtime/threads/${name}.ts`), out: `thread-${name}` })),
    ],
    outdir: lib,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: EXTERNAL,
    alias: ALIAS,
    plugins: [slim],
    banner: { js: REQUIRE },
    // Names stay, so that a stack trace can be read without source maps.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });

/** Three containers with a volume each, so that nothing of the way to a running device is left out. */
const rehearsedState = (): string => {
  const id = '0'.repeat(64);
  const state: Record<string, unknown> = { '#spec': 'pantavisor-service-system@1' };
  for (const name of ['a', 'b', 'c']) {
    state[`${name}/lxc.container.conf`] = id;
    state[`${name}/root.squashfs`] = id;
    state[`${name}/run.json`] = {
      '#spec': 'service-manifest-run@1',
      config: 'lxc.container.conf',
      name,
      'root-volume': 'root.squashfs',
      storage: { 'lxc-overlay': { persistence: 'boot' } },
      type: 'lxc',
      volumes: [],
    };
  }
  return JSON.stringify(state);
};

/**
 * V8 compiles a function when it is first called, and the cache keeps what was compiled by the end of the process: a
 * rehearsal calls nearly all that a daemon does to bring its containers up.
 */
const rehearse = (): void => {
  const { stdout } = spawnSync(join(dist, 'pantavisor'), ['plan', '-', '--json'], {
    input: rehearsedState(),
    // No daemon of this machine is asked, but a device that does not exist.
    env: { ...process.env, PV_SYSTEM_RUNDIR: join(dist, '.cache/none') },
    encoding: 'utf8',
  });
  const { steps } = JSON.parse(stdout || '{}');
  if (!Array.isArray(steps) || steps.length === 0) throw new Error('the rehearsal did nothing: nothing is compiled');
};

/** Compiles everything once, so that the first start is as quick as all others. A daemon that is killed never would. */
const warmUp = (modules: readonly string[]): void => {
  const cache = join(dist, '.cache');
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache);
  rehearse();
  for (const program of PROGRAMS) execFileSync(join(dist, program), ['--help'], { stdio: 'ignore' });
  const imports = modules.map((file) => `import(${JSON.stringify(file)})`).join(',');
  const script = `require('node:module').enableCompileCache(${JSON.stringify(cache)}); Promise.all([${imports}]).then(() => process.exit())`;
  execFileSync(join(dist, 'node'), [...NODE_FLAGS, '-e', script], { stdio: ['ignore', 'ignore', 'inherit'] });
};

const began = performance.now();
mkdirSync(lib, { recursive: true });
const { metafile } = await bundle();
const made = new Set(Object.keys(metafile.outputs).map((file) => resolve(file)));
for (const file of readdirSync(lib)) if (!made.has(join(lib, file))) rmSync(join(lib, file));
for (const program of PROGRAMS) {
  put(join(dist, `${program}.mjs`), starter(program), 0o644);
  put(join(dist, program), launcher(program), 0o755);
}
linkNode();
const isProgram = (file: string): boolean => PROGRAMS.some((program) => file === join(lib, `${program}.mjs`));
const lazy = Object.entries(metafile.outputs).flatMap(([file, { entryPoint }]) => (entryPoint ? [resolve(file)] : []));
warmUp(lazy.filter((file) => !isProgram(file)));
const sizeBytes = Object.values(metafile.outputs).reduce((sum, { bytes }) => sum + bytes, 0);
console.log(
  `build: ${PROGRAMS.map((program) => `dist/${program}`).join(', ')}, ${Math.round(sizeBytes / 1024)} KiB in ${Math.round(performance.now() - began)} ms`,
);
