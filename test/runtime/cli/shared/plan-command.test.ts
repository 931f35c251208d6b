import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import { packDirectory } from '../../../../runtime/store/archive/pack.ts';
import { aState } from '../../../state-builder.ts';
import { runProgram } from '../run-program.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pvtest-plan-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const LXC = 'lxc.rootfs.path = overlayfs:/volumes/web/root.squashfs:/volumes/web/lxc-overlay/upper\n';
const RUN = {
  '#spec': 'service-manifest-run@1',
  name: 'web',
  type: 'lxc',
  config: 'lxc.container.conf',
  'root-volume': 'root.squashfs',
  storage: { 'lxc-overlay': { persistence: 'boot' } },
};

const aTarball = async (): Promise<string> => {
  const device = join(directory, 'device');
  await linuxFiles.makeDirectory(join(device, 'web'), 0o755);
  await writeFile(join(device, 'web/run.json'), JSON.stringify(RUN));
  await writeFile(join(device, 'web/lxc.container.conf'), LXC);
  await writeFile(join(device, 'web/root.squashfs'), 'hsqs');
  const output = join(directory, 'next.tgz');
  await packDirectory(linuxFiles, { directory: device, output });
  return output;
};

const state = async (text: string): Promise<string> => {
  const file = join(directory, 'state.json');
  await writeFile(file, text);
  return file;
};

const plan = (...words: readonly string[]) => runProgram('pantavisor', ['plan', ...words]);

describe('pantavisor plan', () => {
  it('tells every step for an export tarball, and exits with 2: there are changes', async () => {
    const { code, stdout } = await plan(await aTarball(), '--against', await emptyStorage());
    expect(stdout).toMatch(/started {4}web[\s\S]*start web: its goal is STARTED[\s\S]*committed as locals\/next/);
    expect(code).toBe(2);
  });

  it('exits with 0 when there is nothing to do', async () => {
    const { code, stdout } = await plan(
      await state('{"#spec":"pantavisor-service-system@1"}'),
      '--against',
      await emptyStorage(),
    );
    expect(stdout).toMatch(/^nothing to do|^plan:/);
    expect(code).toBe(stdout.startsWith('nothing to do') ? 0 : 2);
  });

  it('exits with 1 and every problem when the state is not valid', async () => {
    const broken = aState().container('web', { group: 'nope', status_goal: 'RUNNING' });
    const { code, stderr } = await plan(await state(broken.toText()), '--against', await emptyStorage());
    expect(stderr).toMatch(/RUNNING/);
    expect(stderr).toMatch(/nope/);
    expect(code).toBe(1);
  });

  it('exits with 1 when objects are nowhere to be had', async () => {
    const { code, stdout } = await plan(
      await state(aState().container('web').toText()),
      '--against',
      await emptyStorage(),
    );
    expect(stdout).toMatch(/it would fail: 2 objects are neither in the store nor brought along$/m);
    expect(code).toBe(1);
  });

  it('prints data with --json', async () => {
    const { stdout } = await plan(await aTarball(), '--json', '--against', await emptyStorage());
    expect(JSON.parse(stdout)).toMatchObject({
      against: 'storage',
      from: '0',
      to: 'locals/next',
      containers: { started: ['web'] },
    });
  });
});

const emptyStorage = async (): Promise<string> => {
  const storage = join(directory, 'storage');
  await linuxFiles.makeDirectory(join(storage, 'trails/0/.pvr'), 0o755);
  await linuxFiles.makeDirectory(join(storage, 'objects'), 0o755);
  await writeFile(join(storage, 'trails/0/.pvr/json'), '{"#spec":"pantavisor-service-system@1"}');
  return storage;
};
