/**
 * What "Adding a kind" in the README promises. A copy of the sources gets a kind, `lamp`, in files of its own: every
 * table of kinds then fails to compile, and no other place; with one line in each of them the kind works.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const PROJECT = resolve(import.meta.dirname, '../..');
const LIMIT_MS = 300_000;
const SOURCES = ['resources', 'reconcilers', 'controllers', 'runtime', 'package.json', 'tsconfig.json'];
const RIG = [
  'state-builder.ts',
  'scenarios/rig.ts',
  'scenarios/objects.ts',
  'scenarios/settled.ts',
  'scenarios/signals.ts',
];

/** The one line that each table of kinds lacks. */
const LINES: Readonly<Record<string, readonly (readonly [after: RegExp, line: string])[]>> = {
  'resources/catalog.ts': [[/ORDER: .* = \{ /, 'lamp: true, ']],
  'reconcilers/kinds.ts': [
    [/^(?=import)/m, "import { lampRules } from './kinds/lamp.ts';\n"],
    [/KINDS: .* = \{\n/, 'lamp: lampRules,\n'],
  ],
  'reconcilers/index.ts': [
    [/^(?=import)/m, "import { reconcileLamp } from './lamp.ts';\n"],
    [/reconcilers: .* = \{\n/, 'lamp: withDependencies(reconcileLamp),\n'],
  ],
  'runtime/device/controllers.ts': [
    [/^(?=import)/m, "import { lampController } from '../../controllers/lamp.ts';\n"],
    [/controllers: Controllers = \{\n/, 'lamp: lampController(host, reconcilers.lamp),\n'],
  ],
  'runtime/engine/ledger-entries.ts': [[/const ENTRIES: .* = \{\n/, 'lamp: z.looseObject({}),\n']],
  'runtime/rehearsal/mirror.ts': [[/MIRRORS: .* = \{\n/, 'lamp: async () => undefined,\n']],
};

let copy: string;

/** Where it does not compile: `file: message`. */
const errors = async (): Promise<string[]> => {
  const tsc = join(PROJECT, 'node_modules/.bin/tsc');
  const { stdout } = await promisify(execFile)(tsc, ['--noEmit', '--pretty', 'false'], { cwd: copy }).catch(
    (error: unknown) => error as { stdout: string },
  );
  return stdout
    .split('\n')
    .map((line) => /^(\S+?)\(\d+,\d+\): error \w+: (.*)/.exec(line))
    .flatMap((found) => (found === null ? [] : [`${found[1]}: ${found[2]}`]));
};

const edit = async (path: string, change: (text: string) => string): Promise<void> => {
  const text = await readFile(join(copy, path), 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`expected to change ${path}`);
  await writeFile(join(copy, path), changed);
};

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'pantavisor-kind-'));
  for (const name of SOURCES) await cp(join(PROJECT, name), join(copy, name), { recursive: true });
  await mkdir(join(copy, 'test/scenarios'), { recursive: true });
  for (const name of RIG) await cp(join(PROJECT, 'test', name), join(copy, 'test', name));
  await symlink(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
  await cp(join(PROJECT, 'test/kinds/lamp'), copy, { recursive: true });
}, LIMIT_MS);

afterAll(() => rm(copy, { recursive: true, force: true }));

test('a kind that is only declared does not compile, in each table of kinds and nowhere else', {
  timeout: LIMIT_MS,
}, async () => {
  const found = (await errors()).filter((error) => !error.startsWith('run.ts'));
  expect([...new Set(found.map((error) => error.slice(0, error.indexOf(':'))))].sort()).toEqual(
    Object.keys(LINES).sort(),
  );
  for (const error of found) expect(error).toMatch(/'lamp'|"lamp"/);
});

test('the README names every table', async () => {
  const readme = await readFile(join(PROJECT, 'README.md'), 'utf8');
  const section = readme.slice(readme.indexOf('## Adding a kind'));
  for (const path of Object.keys(LINES)) expect(section.slice(0, section.indexOf('\n## ', 4))).toContain(path);
});

test('with one line in each table everything else follows', { timeout: LIMIT_MS }, async () => {
  for (const [path, lines] of Object.entries(LINES))
    await edit(path, (text) =>
      lines.reduce((whole, [after, line]) => whole.replace(after, (found) => found + line), text),
    );
  expect(await errors()).toEqual([]);

  const { stdout } = await promisify(execFile)(process.execPath, ['run.ts'], { cwd: copy });
  expect(JSON.parse(stdout)).toEqual({
    waits: [
      'container/web waits for lamp/hall: lamp hall is dark',
      'lamp/hall waits for container/web: it is still used',
    ],
    dark: 'MOUNTED',
    kinds: ['lamp', 'update', 'volume', 'group', 'container'],
    told: [
      'lamp hall was lit: it is part of the revision',
      'lamp hall was put out',
      'lamp hall was lit: it is part of the revision',
      'lamp hall was quenched: nobody wants it',
    ],
    step: 'light hall',
    hopeless: 'lamp/hall: it is broken',
    containerWasThere: false,
    bugs: [],
  });
});

test('an action without its words does not compile', { timeout: LIMIT_MS }, async () => {
  await edit('reconcilers/kinds/lamp.ts', (text) => text.replace(/ *'lamp\.quench'.*\n/, ''));
  expect(await errors()).toEqual([
    expect.stringMatching(/^reconcilers\/kinds\/lamp\.ts: Property .*lamp\.quench.* is missing/),
  ]);
});
