/** Transactions whose result is a directory, and queues. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploy } from '../../../runtime/transaction/deploy.ts';
import { enqueueRemoval, newQueue, processQueue, unpack } from '../../../runtime/transaction/queue.ts';
import { add, begin, show } from '../../../runtime/transaction/transaction.ts';
import { sha256 } from '../../state-builder.ts';
import { type TestDevice, testDevice } from '../store/device.ts';
import { rawTar } from '../store/tar-builder.ts';
import { unsignedApp } from './documents.ts';
import { documentOf, inputFrom, objectOf, type Workshop, workshop } from './workshop.ts';

let machine: TestDevice;
let work: Workshop;
let objects: string;
let out: string;
beforeEach(async () => {
  machine = await testDevice();
  [objects, out] = [`${machine.root}/objects`, `${machine.root}/out`];
  work = workshop(machine.files, `${machine.root}/pvtx`);
});
afterEach(() => machine.remove());

const text = async (path: string): Promise<string | undefined> => (await machine.files.read(path, 10_000))?.toString();
const shown = async (): Promise<string> => (await show(work.transaction)).toString();

const [ROOT, KERNEL] = ['root of web', 'kernel'];
const WEB = {
  'bsp/kernel.img': `"${sha256(KERNEL)}"`,
  'bsp/run.json': '{"linux":"kernel.img","initrd":"none.img","fdt":"../../etc/passwd"}',
  'web/root.squashfs': `"${sha256(ROOT)}"`,
  'web/run.json': '{ "name":"web" }',
};
const archive = rawTar({ name: 'json', content: documentOf(WEB) }, objectOf(ROOT), objectOf(KERNEL));

describe('deploy', () => {
  beforeEach(async () => {
    await begin(work.transaction, 'empty', objects);
    await add(work.transaction, inputFrom(archive));
  });

  it('checks the state out', async () => {
    const warnings = await deploy(work.transaction, out);
    expect(await text(`${out}/web/run.json`)).toBe('{ "name":"web" }');
    expect(await text(`${out}/.pvr/json`)).toBe(documentOf(WEB));
    expect(await text(`${out}/.pvr/config`)).toBe(`{"ObjectsDir": "${objects}"}`);
    const [linked, object] = [
      await machine.files.stat(`${out}/web/root.squashfs`),
      await machine.files.stat(`${objects}/${sha256(ROOT)}`),
    ];
    expect(linked?.inode).toBe(object?.inode);
    expect(await text(`${out}/.pv/pv-kernel.img`)).toBe(KERNEL);
    expect(await machine.files.list(`${out}/.pv`)).toEqual(['pv-kernel.img']);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain(`(${out.replace('out', '.out.pvtx')}/bsp/none.img)`.slice(-18));
    await expect(show(work.transaction)).rejects.toMatchObject({ exitCode: 11 });
    expect(work.log).toEqual([]);
  });

  it('takes the place of what is there, and keeps its configuration', async () => {
    await machine.files.makeDirectory(`${out}/.pvr`, 0o755);
    await machine.files.write(`${out}/.pvr/config`, '{"mine":1}', 0o600);
    await machine.files.write(`${out}/old`, 'x', 0o600);
    await deploy(work.transaction, out);
    expect(await text(`${out}/.pvr/config`)).toBe('{"mine":1}');
    expect(await text(`${out}/old`)).toBeUndefined();
    expect((await machine.files.list(machine.root))?.filter((name) => name.includes('out'))).toEqual(['out']);
  });

  it('writes nothing when an object is missing', async () => {
    await machine.files.remove(`${objects}/${sha256(ROOT)}`);
    await expect(deploy(work.transaction, out)).rejects.toThrow(/web\/root\.squashfs: there is no object/);
    expect(await machine.files.stat(out)).toBeUndefined();
  });

  it('refuses keys that leave the directory', async () => {
    await add(work.transaction, inputFrom('{"../../evil.json":{}}'));
    await expect(deploy(work.transaction, out)).rejects.toThrow(/evil.*relative path/);
  });

  it('stores no object that is not what its name says', async () => {
    const bad = rawTar({ name: 'json', content: documentOf() }, { name: `objects/${sha256('other')}`, content: 'x' });
    await expect(add(work.transaction, inputFrom(bad))).rejects.toThrow(/sha256/);
    expect(await machine.files.list(objects)).not.toContain(sha256('other'));
  });
});

describe('a queue', () => {
  const places = () => ({ queue: `${machine.root}/queue`, objects });

  it('collects changes, and applies them in order', async () => {
    await newQueue(work.transaction, places());
    await unpack(work.transaction, inputFrom(archive, '/somewhere/web.tgz'));
    await unpack(work.transaction, inputFrom(documentOf(unsignedApp('db')), 'states/db.json'));
    await unpack(work.transaction, inputFrom(documentOf(unsignedApp('xyz')), '-'));
    await enqueueRemoval(work.transaction, 'bsp/');
    await enqueueRemoval(work.transaction, 'xyz');
    expect(await machine.files.list(places().queue)).toEqual([
      '000__web.tgz',
      '001__states%2Fdb.json',
      '002__package',
      '003__bsp%2F.remove',
      '004__xyz.remove',
    ]);
    await begin(work.transaction, 'empty', undefined);
    await processQueue(work.transaction, {});
    expect(JSON.parse(await shown())).toEqual(
      JSON.parse(
        documentOf(
          { 'web/root.squashfs': WEB['web/root.squashfs'], 'web/run.json': WEB['web/run.json'] },
          unsignedApp('db'),
        ),
      ),
    );
    expect(await machine.files.list(objects)).toContain(sha256(ROOT));
    expect(await text(`${machine.root}/queue/000__web.tgz/json`)).toBe(documentOf(WEB));
  });

  it('that somebody else filled is processed in one go, and deployed', async () => {
    const entry = `${places().queue}/100-mine`;
    await machine.files.makeDirectory(`${entry}/objects`, 0o755);
    await machine.files.write(`${entry}/json`, documentOf({ 'web/root.squashfs': WEB['web/root.squashfs'] }), 0o600);
    await machine.files.write(`${entry}/objects/${sha256(ROOT)}`, ROOT, 0o600);
    await processQueue(work.transaction, { base: 'empty', places: places() });
    await deploy(work.transaction, out);
    expect(await text(`${out}/web/root.squashfs`)).toBe(ROOT);
    expect(await machine.files.list(entry)).toEqual(['json']);
  });

  it.each<[string, () => Promise<unknown>, () => Promise<unknown>, number]>([
    [
      'while a transaction is active',
      () => begin(work.transaction, 'empty', undefined),
      () => newQueue(work.transaction, places()),
      12,
    ],
    ['unpack without a queue', async () => {}, () => unpack(work.transaction, inputFrom('{}')), 1],
    ['remove without a queue', async () => {}, () => enqueueRemoval(work.transaction, 'web'), 1],
    [
      'process without a transaction',
      () => newQueue(work.transaction, places()),
      () => processQueue(work.transaction, {}),
      3,
    ],
    [
      'unpack into one that was taken away',
      async () => {
        await newQueue(work.transaction, places());
        await machine.files.remove(places().queue);
      },
      () => unpack(work.transaction, inputFrom('{}')),
      1,
    ],
  ])('is refused %s', async (_, before, act, exitCode) => {
    await before();
    await expect(act()).rejects.toMatchObject({ exitCode });
  });
});
