import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import project from '../../package.json' with { type: 'json' };

const execute = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'pvtest build-')); // with a blank: paths have them
const dist = join(directory, 'dist');

beforeAll(async () => {
  await execute(process.execPath, [resolve(import.meta.dirname, '../../hack/build.ts'), dist]);
  mkdirSync(join(directory, 'bin'));
  symlinkSync(join(dist, 'pvcontrol'), join(directory, 'absolute'));
  symlinkSync('../absolute', join(directory, 'bin/relative'));
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true }));

describe('the launchers', () => {
  it.each<[string, string, string, string]>([
    ['from elsewhere', join(dist, 'pantavisor'), '/', ''],
    ['from their own directory', './pvcontrol', dist, ''],
    ['through links to links', join(directory, 'bin/relative'), '/', ''],
    ['by name through PATH', 'relative', '/', join(directory, 'bin')],
    ['without any node in PATH', join(dist, 'pvcontrol'), '/', '/nowhere'],
  ])('work %s', async (_name, program, cwd, path) => {
    const env = { PATH: path === '' ? process.env['PATH'] : `${path}:/usr/bin:/bin` };
    const { stdout } = await execute(program, ['--version'], { cwd, env });
    expect(stdout).toBe(`${project.version}\n`);
  });

  it('hand on arguments and exit codes as they are', async () => {
    const failure = await execute(join(dist, 'pvcontrol'), ['-s', '/no where', 'ls']).catch((error) => error);
    expect(failure).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no control socket at /no where (from -s)'),
    });
  });
});
