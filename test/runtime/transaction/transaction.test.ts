import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploy } from '../../../runtime/transaction/deploy.ts';
import { generatedName } from '../../../runtime/transaction/generated-name.ts';
import { abort, add, begin, commit, remove, show } from '../../../runtime/transaction/transaction.ts';
import { decodeRecord, encodeRecord } from '../../../runtime/transaction/transaction-record.ts';
import { checkDirectory } from '../../../runtime/transaction/workspace.ts';
import { sha256 } from '../../state-builder.ts';
import { type TestDevice, testDevice } from '../store/device.ts';
import { gzipped, rawTar } from '../store/tar-builder.ts';
import { signedApp, unsignedApp } from './documents.ts';
import { documentOf, inputFrom, objectOf, type Workshop, workshop } from './workshop.ts';

let machine: TestDevice;
let directory: string;
let work: Workshop;
beforeEach(async () => {
  machine = await testDevice();
  directory = `${machine.root}/pvtx`;
  work = workshop(machine.files, directory);
});
afterEach(() => machine.remove());

const shown = async (): Promise<string> => (await show(work.transaction)).toString();
/** A new process on the same directory. */
const again = (): void => {
  work = workshop(machine.files, directory);
};
const ROOT = 'root of web';
const WEB = { 'web/root.squashfs': `"${sha256(ROOT)}"`, 'web/run.json': '{"name":"web"}' };

describe('a remote transaction', () => {
  it('begins with what runs, takes parts in and out, and is installed', async () => {
    work.current = documentOf(unsignedApp('db'));
    await begin(work.transaction, 'current', undefined);
    again();
    await add(work.transaction, inputFrom(gzipped(rawTar({ name: 'json', content: documentOf(WEB) }, objectOf(ROOT)))));
    again();
    await remove(work.transaction, 'db');
    expect(await shown()).toBe(documentOf(WEB));
    expect(await commit(work.transaction, 'locals/web')).toBe('locals/web');
    expect(work.log).toEqual([`locals/web ${documentOf(WEB)}`]);
    await expect(show(work.transaction)).rejects.toMatchObject({ exitCode: 11 });
  });

  it('sends objects as they come, with their sizes', async () => {
    await begin(work.transaction, 'empty', undefined);
    const archive = rawTar({ name: './json', content: documentOf(WEB) }, objectOf(ROOT), {
      name: 'README',
      content: 'x',
    });
    await add(work.transaction, inputFrom(archive));
    expect(work.log).toEqual([`object ${sha256(ROOT)} ${ROOT.length}`]);
    expect(await shown()).toBe(documentOf(WEB));
  });

  it('keeps what it was when an object is refused', async () => {
    await begin(work.transaction, 'empty', undefined);
    const bad = rawTar({ name: 'json', content: documentOf(WEB) }, { name: `objects/${sha256('x')}`, content: 'y' });
    await expect(add(work.transaction, inputFrom(bad))).rejects.toMatchObject({ exitCode: 90 });
    expect(await shown()).toBe(documentOf());
  });

  it('takes a plain document', async () => {
    await begin(work.transaction, 'empty', undefined);
    await add(work.transaction, inputFrom(`\n${documentOf(WEB)}\n`, 'state.json'));
    expect(await shown()).toBe(documentOf(WEB));
  });

  it('replaces a signed app whole', async () => {
    work.current = documentOf(signedApp('web'), { 'web/gone.json': '{}' }, unsignedApp('xyz'));
    await begin(work.transaction, 'current', undefined);
    await add(work.transaction, inputFrom(documentOf(signedApp('web', '2'))));
    expect(JSON.parse(await shown())).toEqual(JSON.parse(documentOf(signedApp('web', '2'), unsignedApp('xyz'))));
  });

  it('is shown byte for byte until it is changed', async () => {
    work.current = `{ "#spec": "pantavisor-service-system@1",\n "web/run.json":{"a":  1.0} }`;
    await begin(work.transaction, 'current', undefined);
    expect(await shown()).toBe(work.current);
    await remove(work.transaction, 'nothing');
    expect(await shown()).toBe(work.current);
  });

  it('makes up a name', async () => {
    const name = generatedName(Buffer.from('x'), new Date(1_700_000_000_999), 0.0425);
    expect(name).toBe(`locals/pvtx-1700000000-${sha256('x').slice(0, 8)}-42`);
  });
});

describe('refused, with its exit code:', () => {
  const active = () => begin(work.transaction, 'empty', undefined);
  const local = () => begin(work.transaction, 'empty', `${machine.root}/objects`);
  it.each<[string, () => Promise<unknown>, () => Promise<unknown>, number, RegExp]>([
    ['add of nothing begun', async () => {}, () => add(work.transaction, inputFrom('{}')), 1, /no active/],
    ['remove of nothing begun', async () => {}, () => remove(work.transaction, 'web'), 3, /no active/],
    ['show of nothing begun', async () => {}, () => show(work.transaction), 11, /no active/],
    ['commit of nothing begun', async () => {}, () => commit(work.transaction, undefined), 11, /no active/],
    ['deploy of nothing begun', async () => {}, () => deploy(work.transaction, '/x'), 11, /no active/],
    ['remove without a part', active, () => remove(work.transaction, ''), 4, /which part/],
    ['commit of a local one', local, () => commit(work.transaction, undefined), 12, /deploy it/],
    ['deploy of a remote one', active, () => deploy(work.transaction, '/x'), 255, /commit it/],
    ['begin of a second one', active, active, 255, /already in progress/],
    ['a name of another kind', active, () => commit(work.transaction, '7'), 255, /expected locals\/NAME/],
    [
      'a base that is not there',
      async () => {},
      () => begin(work.transaction, '/nowhere', undefined),
      255,
      /no state there/,
    ],
    [
      'a document that is none',
      active,
      () => add(work.transaction, inputFrom('{"a":}', 'x.json')),
      255,
      /x\.json: .*line 1, column 6/,
    ],
    [
      'a key twice',
      active,
      () => add(work.transaction, inputFrom('{"a":1,"a":2}')),
      255,
      /"a" is there twice|a.*twice/,
    ],
    [
      'another format',
      active,
      () => add(work.transaction, inputFrom('{"#spec":"pantavisor-multi-platform@1"}')),
      255,
      /#spec/,
    ],
  ])('%s', async (_, before, act, exitCode, message) => {
    await before();
    await expect(act()).rejects.toMatchObject({ exitCode, message: expect.stringMatching(message) });
  });

  it('hostile tarballs, which change nothing', async () => {
    await active();
    for (const archive of [
      rawTar({ name: 'json', flag: '2', link: '/etc/passwd' }),
      rawTar({ name: 'objects/../../x', content: 'x' }, { name: 'json', content: '{}' }),
      rawTar({ name: `objects/${sha256('x')}`, flag: '2', link: '/etc/shadow' }, { name: 'json', content: '{}' }),
      rawTar({ name: 'README', content: 'no state in here' }),
      gzipped(rawTar({ name: 'json', content: documentOf(WEB) })).subarray(0, 60),
    ])
      await expect(add(work.transaction, inputFrom(archive))).rejects.toThrow();
    expect(work.log).toEqual([]);
    expect(await shown()).toBe(documentOf());
  });
});

describe('the directory', () => {
  const record = (status: number, isLocal: number, objects = '', queue?: string, count = 0): Buffer => {
    const bytes = Buffer.alloc(queue === undefined ? 4104 : 8208);
    bytes.writeInt32LE(status, 0);
    bytes.writeInt32LE(isLocal, 4);
    bytes.write(objects, 8);
    if (queue !== undefined) {
      bytes.write(queue, 4104);
      bytes.writeInt32LE(count, 8200);
    }
    return bytes;
  };

  it.each([
    [record(2, 0), { status: 'active', objects: undefined, queue: undefined }],
    [record(2, 1, '/o'), { status: 'active', objects: '/o', queue: undefined }],
    [record(1, 1, '/o', '/q', 7), { status: 'set', objects: '/o', queue: { directory: '/q', count: 7 } }],
    [record(4, 0), { status: 'committed', objects: undefined, queue: undefined }],
  ] as const)('is that of the C program, both ways %#', (bytes, read) => {
    expect(decodeRecord(bytes, '.status')).toEqual(read);
    expect(encodeRecord(read)).toEqual(bytes);
  });

  it('that the C program left is gone on with', async () => {
    await machine.files.makeDirectory(directory, 0o755);
    await machine.files.write(`${directory}/current.json`, documentOf(unsignedApp('web')), 0o600);
    await machine.files.write(`${directory}/.status`, record(2, 0), 0o600);
    await remove(work.transaction, 'web');
    expect(await shown()).toBe(documentOf());
  });

  it('that the C program left with relative directories means those where it is run', async () => {
    await machine.files.makeDirectory(directory, 0o755);
    await machine.files.write(`${directory}/.status`, record(1, 1, 'objects', 'queue', 1), 0o600);
    expect(await work.transaction.workspace.record()).toMatchObject({
      objects: `${process.cwd()}/objects`,
      queue: { directory: `${process.cwd()}/queue`, count: 1 },
    });
  });

  it.each([
    ['of another size', Buffer.from('active')],
    ['of another status', record(9, 0)],
    ['neither local nor remote', record(2, 7)],
  ])('that nobody can read, %s, is named with what to do, and abort does it', async (_, bytes) => {
    await machine.files.makeDirectory(directory, 0o755);
    await machine.files.write(`${directory}/.status`, bytes, 0o600);
    await expect(begin(work.transaction, 'empty', undefined)).rejects.toThrow(/\.status is .*abort/);
    await abort(work.transaction);
    await begin(work.transaction, 'empty', undefined);
  });

  it('without its document says so', async () => {
    await begin(work.transaction, 'empty', undefined);
    await machine.files.remove(`${directory}/current.json`);
    await expect(show(work.transaction)).rejects.toThrow(/current\.json is missing.*abort/);
  });

  it("is wiped at begin, and must be pvtx's for that", async () => {
    await checkDirectory(machine.files, directory);
    await begin(work.transaction, 'empty', undefined);
    await machine.files.write(`${directory}/left`, 'x', 0o600);
    await checkDirectory(machine.files, directory);
    await abort(work.transaction);
    await abort(work.transaction);
    await begin(work.transaction, 'empty', undefined);
    expect(await machine.files.list(directory)).toEqual(['.status', 'current.json']);
    await machine.files.makeDirectory(`${machine.root}/home`, 0o755);
    await machine.files.write(`${machine.root}/home/thesis.tex`, 'x', 0o600);
    await expect(checkDirectory(machine.files, `${machine.root}/home`)).rejects.toThrow(/thesis\.tex.*PVTXDIR/);
  });
});

it.each(['json', '.pvr/json'])('begins with a directory that has %s', async (name) => {
  const base = `${machine.root}/base`;
  await machine.files.makeDirectory(`${base}/.pvr`, 0o755);
  await machine.files.write(`${base}/${name}`, documentOf(WEB), 0o600);
  await begin(work.transaction, base, undefined);
  expect(await shown()).toBe(documentOf(WEB));
});
