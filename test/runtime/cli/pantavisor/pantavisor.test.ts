import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../run-program.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pvtest-cli-'));
});
afterEach(() => rmSync(directory, { recursive: true }));
const pantavisor = (args: readonly string[], input = '') => runProgram('pantavisor', args, { input });

const WEB =
  '{"#spec":"pantavisor-service-manifest-run@1","name":"web","type":"lxc","config":"lxc.container.conf","root-volume":"root.squashfs","storage":{}}';

describe('pantavisor', () => {
  it('explains itself with examples and the keys that matter', async () => {
    const { code, stdout } = await pantavisor(['--help']);
    expect(code).toBe(0);
    for (const word of [
      'run',
      'validate',
      'schema',
      'pack',
      'unpack',
      'completion',
      'PV_STORAGE_MNTPOINT',
      'Examples:',
    ])
      expect(stdout).toContain(word);
  });

  it('says what is wrong with a command line, and where to look', async () => {
    const { code, stderr } = await pantavisor(['validat']);
    expect(code).toBe(1);
    expect(stderr).toContain("error: unknown command 'validat'\n(Did you mean validate?)");
  });

  it('tells every problem of a state at once', async () => {
    const { code, stdout, stderr } = await pantavisor(
      ['validate', '-'],
      '{"#spec":"x","../a":"b","web/run.json":{"root-volume":5}}',
    );
    expect(code).toBe(1);
    expect(stdout).toContain('#spec is "x", expected "pantavisor-service-system@1"');
    expect(stdout).toContain('web/run.json.root-volume');
    expect(stdout.trim().split('\n').length).toBeGreaterThan(2);
    expect(stderr).toMatch(/^standard input has \d+ problems\n$/);
  });

  it('tells problems as JSON', async () => {
    const { code, stdout } = await pantavisor(['validate', '--json', '-'], '{"#spec":"x"}');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ valid: false, problems: [{ path: '#spec', value: '"x"' }] });
  });

  it('warns of keys that nothing reads, and refuses them when it is strict', async () => {
    const state = JSON.stringify({
      '#spec': 'pantavisor-service-system@1',
      'device.json': { groups: [{ name: 'a', timout: 5 }] },
    });
    const lenient = await pantavisor(['validate', '-'], state);
    expect(lenient).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^warning: .*timout.*did you mean "timeout"/),
    });
    const strict = await pantavisor(['validate', '--strict', '-'], state);
    expect(strict).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^warning: .*has 1 warning$/ms),
    });
  });

  it('finds a valid state valid', async () => {
    const { code, stdout } = await pantavisor(['validate', '-'], '{"#spec":"pantavisor-service-system@1"}');
    expect([code, stdout]).toEqual([0, 'standard input is valid: 0 containers in 4 groups\n']);
  });

  it('says which file is missing', async () => {
    const { code, stderr } = await pantavisor(['validate', join(directory, 'none.json')]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`none.json`)]);
    expect(stderr).not.toContain('    at ');
  });

  it('prints a JSON Schema', async () => {
    expect(JSON.parse((await pantavisor(['schema'])).stdout)).toMatchObject({ title: 'Pantavisor state' });
  });

  it('packs a directory that unpacks to the same files', async () => {
    const source = join(directory, 'device');
    mkdirSync(join(source, 'web'), { recursive: true });
    writeFileSync(join(source, 'web/run.json'), WEB);
    writeFileSync(join(source, 'web/lxc.container.conf'), 'lxc.uts.name = web\n');
    writeFileSync(join(source, 'web/root.squashfs'), 'not looked into');
    const tarball = join(directory, 'device.tgz');
    const packed = await pantavisor(['pack', source, '-o', tarball]);
    expect(packed).toMatchObject({ code: 0, stderr: '' });
    expect(packed.stdout).toMatch(/: 2 objects, 34 bytes, state [0-9a-f]{64}\n$/);
    const copy = join(directory, 'copy');
    expect((await pantavisor(['unpack', tarball, copy])).code).toBe(0);
    expect(readFileSync(join(copy, 'web/lxc.container.conf'), 'utf8')).toBe('lxc.uts.name = web\n');
    expect((await pantavisor(['unpack', tarball, copy])).code).toBe(1);
  });

  it('packs what a device would refuse, and says why it would', async () => {
    const source = join(directory, 'device');
    mkdirSync(join(source, 'web'), { recursive: true });
    writeFileSync(join(source, 'web/run.json'), WEB);
    const { code, stdout, stderr } = await pantavisor(['pack', source, '-o', join(directory, 'device.tgz')]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(': 0 objects')]);
    expect(stderr).toMatch(/^a device would refuse it:\nweb\/run\.json\.root-volume is "root\.squashfs", expected/);
    expect(stderr).toContain('web/run.json.config is "lxc.container.conf", expected a file of the state');
  });

  it('refuses to be the init of a device that nothing supervises', async () => {
    const { code, stderr } = await runProgram('pantavisor', ['run'], { env: { PV_SYSTEM_INIT_MODE: 'embedded' } });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('init must start and supervise the daemon, as in the images of hack/image'),
    ]);
  });

  it('refuses to run with a file that is not there', async () => {
    const { code, stderr } = await pantavisor(['run', '--config', join(directory, 'none')]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^pantavisor: --config .*none cannot be read: ENOENT/)]);
  });
});
