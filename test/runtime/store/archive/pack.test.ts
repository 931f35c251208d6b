import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import { packDirectory } from '../../../../runtime/store/archive/pack.ts';
import { unpackTarball } from '../../../../runtime/store/archive/unpack.ts';
import { sha256 } from '../../../../runtime/store/objects/hash.ts';
import { Rejection } from '../../../../runtime/store/rejection.ts';
import { rawTar } from '../tar-builder.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(`${tmpdir()}/pvtest-pack-`);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const layOut = async (directory: string, files: Readonly<Record<string, string>>): Promise<string> => {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, directory, path)), { recursive: true });
    await writeFile(join(root, directory, path), content);
  }
  return join(root, directory);
};
const pack = (directory: string, output = 'out.tgz') =>
  packDirectory(linuxFiles, { directory, output: join(root, output) });
const unpack = (archive: string, directory: string) =>
  unpackTarball(linuxFiles, { archive: join(root, archive), directory: join(root, directory) });

const DEVICE = {
  'groups.json': '[ {"name": "app"} ]',
  'app/run.json': '{\n  "name": "app", "#spec": "service-manifest-run@1"\n}\n',
  'app/root.squashfs': 'squash',
  'app/lxc.container.conf': 'lxc.tty.max = 0\n',
  '_config/app/etc/x': 'squash',
  '_config/app/etc/.hidden': 'h',
  '_config/app/etc/broken.json': '{ not json',
  '_config/app/etc/sum.json': `"${'a'.repeat(64)}"`,
};

describe('packing', () => {
  test('gives canonical state, one object per content', async () => {
    const { document, hash, objects } = await pack(await layOut('device', DEVICE));
    expect(JSON.parse(document)).toEqual({
      '#spec': 'pantavisor-service-system@1',
      'groups.json': [{ name: 'app' }],
      'app/run.json': { name: 'app', '#spec': 'service-manifest-run@1' },
      'app/root.squashfs': sha256('squash'),
      'app/lxc.container.conf': sha256('lxc.tty.max = 0\n'),
      '_config/app/etc/x': sha256('squash'),
      '_config/app/etc/.hidden': sha256('h'),
      '_config/app/etc/broken.json': sha256('{ not json'),
      '_config/app/etc/sum.json': sha256(`"${'a'.repeat(64)}"`),
    });
    expect(document).toContain('"app/run.json":{"#spec":"service-manifest-run@1","name":"app"}');
    expect(hash).toBe(sha256(document));
    expect(objects.map(({ id }) => id)).toEqual([...new Set(objects.map(({ id }) => id))].sort());
    expect(objects).toHaveLength(5);
  });

  test('gives the same bytes whenever and wherever it runs', async () => {
    await pack(await layOut('one', DEVICE), 'one.tgz');
    const two = await layOut('two', Object.fromEntries(Object.entries(DEVICE).reverse()));
    await utimes(join(two, 'app/root.squashfs'), 1, 1);
    await pack(two, 'two.tgz');
    expect(await readFile(join(root, 'two.tgz'))).toEqual(await readFile(join(root, 'one.tgz')));
  });

  test('leaves out dot files at the top and its own output', async () => {
    const directory = await layOut('device', { ...DEVICE, '.pvr/json': '{}', '.git/config': 'x', '.pvrignore': '' });
    const before = await pack(directory, 'device/out.tgz');
    expect(await pack(directory, 'device/out.tgz')).toEqual(before);
    expect(before.document).not.toMatch(/pvr\/|git|out\.tgz/);
  });

  test('takes the spec from #spec', async () => {
    const directory = await layOut('device', { '#spec': 'pantavisor-service-system@1\n' });
    expect((await pack(directory)).document).toBe('{"#spec":"pantavisor-service-system@1"}');
    await layOut('device', { '#spec': 'pantavisor-service-system@9' });
    await expect(pack(directory)).rejects.toThrow(/#spec is "pantavisor-service-system@9"/);
  });

  test.each([
    ['a manifest that is no JSON', { 'app/run.json': '{"name": }' }, /app\/run.json: expected JSON, but saw/],
    ['groups that are no JSON', { 'groups.json': '' }, /groups.json: expected JSON, but saw/],
    ['a key that is ours', { 'a\\b': 'x' }, /a\\b: expected a relative path/],
  ])('refuses %s and writes nothing', async (_, files, message) => {
    const failed = pack(await layOut('device', files));
    await expect(failed).rejects.toThrow(Rejection);
    await expect(failed).rejects.toThrow(message);
    expect(await readdir(root)).toEqual(['device']);
  });

  test('refuses a symlink and a directory that is not there', async () => {
    const directory = await layOut('device', DEVICE);
    await symlink('/etc/passwd', join(directory, 'app/link'));
    await expect(pack(directory)).rejects.toThrow(
      /app\/link: expected a regular file or a directory, but it is a symlink/,
    );
    await expect(pack(join(root, 'nowhere'))).rejects.toThrow(/nowhere\/: expected a directory/);
  });
});

describe('unpacking', () => {
  test('gives back what was packed', async () => {
    const packed = await pack(await layOut('device', DEVICE));
    expect((await unpack('out.tgz', 'again')).hash).toBe(packed.hash);
    expect(await readdir(join(root, 'again'))).toEqual(['_config', 'app', 'groups.json']);
    expect(await readFile(join(root, 'again/app/root.squashfs'), 'utf8')).toBe('squash');
    expect(await pack(join(root, 'again'), 'again.tgz')).toEqual(packed);
    expect(await readFile(join(root, 'again.tgz'))).toEqual(await readFile(join(root, 'out.tgz')));
  });

  test('two keys with one content become two files', async () => {
    await pack(await layOut('device', DEVICE));
    await unpack('out.tgz', 'again');
    expect((await linuxFiles.stat(join(root, 'again/app/root.squashfs')))?.links).toBe(1);
  });

  const spec = '"#spec":"pantavisor-service-system@1"';
  test.each([
    ['missing objects', `{${spec},"a":"${sha256('a')}"}`, /expected the objects/],
    ['a path outside', `{${spec},"../a.json":{}}`, /json: .*\.\.\/a\.json.* expected a relative path/],
    ['an absolute path', `{${spec},"/etc/a.json":{}}`, /expected a relative path/],
    ['our own directories', `{${spec},".pvr/objects/a.json":{}}`, /outside the directories .pvr and .pv/],
    ['no JSON', 'x', /json: /],
  ])('refuses %s and leaves nothing', async (_, document, message) => {
    await writeFile(join(root, 'bad.tar'), rawTar({ name: 'json', content: document }));
    await expect(unpack('bad.tar', 'out')).rejects.toThrow(message);
    await mkdir(join(root, 'empty'));
    await expect(unpack('bad.tar', 'empty')).rejects.toThrow(Rejection);
    expect(await readdir(join(root, 'empty'))).toEqual([]);
    expect(await readdir(root)).toEqual(['bad.tar', 'empty']);
  });

  test('refuses a directory that holds something', async () => {
    await pack(await layOut('device', DEVICE));
    await expect(unpack('out.tgz', 'device')).rejects.toThrow(/device: expected an empty directory/);
    expect(await readFile(join(root, 'device/app/root.squashfs'), 'utf8')).toBe('squash');
  });
});

test('any device comes back as it went', { timeout: 30_000 }, async () => {
  const name = fc.stringMatching(/^[a-z_][a-z0-9._ é-]{0,8}$/);
  const content = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constant('"<>"'),
    fc.constant('{"__proto__":{"b":1,"a":2}}'),
    fc.constant(`"${'F'.repeat(64)}"`),
  );
  const device = fc.dictionary(
    fc.tuple(name, fc.constantFrom('data', 'x.json')).map((path) => path.join('/')),
    content,
    { maxKeys: 6 },
  );
  await fc.assert(
    fc.asyncProperty(device, async (files) => {
      await rm(root, { recursive: true, force: true });
      await mkdir(root);
      await mkdir(join(root, 'device'));
      const packed = await pack(await layOut('device', files), 'a.tar');
      await unpack('a.tar', 'again');
      expect(await pack(join(root, 'again'), 'b.tar')).toEqual(packed);
      expect(Object.keys(JSON.parse(packed.document))).toHaveLength(Object.keys(files).length + 1);
    }),
    { numRuns: 20 },
  );
});
