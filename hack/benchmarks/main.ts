/**
 * `hack/bench`: measures this project on this machine and writes down what came out.
 *
 * In: names of sections, --quick, --no-write. Out: docs/benchmarks.md and .json, or with --no-write a table. Measures a
 * build of its own (.cache/bench), so that nobody changes it meanwhile. Everything is under pantavisor-bench-* in the
 * temporary directory and gone afterwards, however it ends.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { sweep } from '../demonstration/sweep.ts';
import { reasonNoContainersRun } from '../prerequisites.ts';
import { PREFIX } from './device.ts';
import type { Context, Section } from './figure.ts';
import { load, machine } from './machine.ts';
import { type Measured, markdown, measuredOf, readResults, writeJson } from './report.ts';
import { api } from './sections/api.ts';
import { gc } from './sections/gc.ts';
import { hostile } from './sections/hostile.ts';
import { idle } from './sections/idle.ts';
import { importing } from './sections/import.ts';
import { logs } from './sections/logs.ts';
import { planning } from './sections/planning.ts';
import { revision } from './sections/revision.ts';
import { shutdown } from './sections/shutdown.ts';
import { size } from './sections/size.ts';
import { soak } from './sections/soak.ts';
import { stalls } from './sections/stalls.ts';
import { start } from './sections/start.ts';
import { updating } from './sections/update.ts';

const project = resolve(import.meta.dirname, '../..');
const build = join(project, '.cache/bench');
const [page, data, remarks] = ['benchmarks.md', 'benchmarks.json', 'benchmarks-remarks.md'].map((name) =>
  join(project, 'docs', name),
) as [string, string, string]; // as many as were given
const SECTIONS: readonly Section[] = [
  start,
  updating,
  shutdown,
  api,
  importing,
  gc,
  revision,
  idle,
  stalls,
  logs,
  hostile,
  planning,
  size,
  soak,
];
const ROUNDS = 10;
const QUICK_ROUNDS = 3;

const say = (line: string): void => console.log(`bench: ${line}`);

function commitNow(): string {
  const git = (...parameters: readonly string[]): string =>
    execFileSync('git', ['-C', project, ...parameters], { encoding: 'utf8' }).trim();
  const changed = git(
    'status',
    '--porcelain',
    '--',
    'resources',
    'reconcilers',
    'controllers',
    'runtime',
    'hack/build.ts',
  );
  return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : ' with changes'}`;
}

function chosen(names: readonly string[]): readonly Section[] {
  const unknown = names.filter((name) => !SECTIONS.some((section) => section.name === name));
  if (unknown.length > 0)
    throw new Error(`no section ${unknown.join(', ')}; there are: ${SECTIONS.map(({ name }) => name).join(', ')}`);
  return names.length === 0 ? SECTIONS : SECTIONS.filter(({ name }) => names.includes(name));
}

async function measure(section: Section, context: Context): Promise<Measured> {
  say(`${section.title} …`);
  const before = load();
  const commit = commitNow();
  const figures = await section.run(context);
  const measuredAt = `${new Date().toISOString().slice(0, 16)}Z`;
  return measuredOf(section, figures, { measuredAt, commit, load: [before, load()] });
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, 'no-write': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const reason = reasonNoContainersRun();
  if (reason !== undefined) throw new Error(reason);
  const sections = chosen(positionals);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interruption.abort(new Error(signal)));
  execFileSync(process.execPath, [join(project, 'hack/build.ts'), build], { stdio: 'inherit' });
  const context: Context = {
    program: join(build, 'pantavisor'),
    rounds: values.quick ? QUICK_ROUNDS : ROUNDS,
    quick: values.quick,
    say,
    signal: interruption.signal,
  };
  const results: Record<string, Measured> = {};
  for (const section of sections) results[section.name] = await measure(section, context);
  const all = { machine: machine(context.program), sections: { ...readResults(data)?.sections, ...results } };
  const order = SECTIONS.map(({ name }) => name);
  if (values['no-write']) console.log(markdown({ ...all, sections: results }, order, ''));
  else {
    writeJson(data, all);
    writeFileSync(page, markdown(all, order, readFileSync(remarks, 'utf8')));
    say(`written to docs/benchmarks.md and docs/benchmarks.json`);
  }
}

/** Those that other benchmarks have now are theirs. */
const existing = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX));

const before = existing();
try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  for (const name of existing().filter((each) => !before.includes(each))) await sweep(join(tmpdir(), name));
}
