/** Cuts transactions at every operation: what is left is the transaction as it was before or after, and can be gone on with. */
import { expect, test } from 'vitest';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { deploy } from '../../../runtime/transaction/deploy.ts';
import { newQueue, processQueue, unpack } from '../../../runtime/transaction/queue.ts';
import { add, begin, show, type Transaction } from '../../../runtime/transaction/transaction.ts';
import { sha256 } from '../../state-builder.ts';
import { rawTar } from '../store/tar-builder.ts';
import { unsignedApp } from './documents.ts';
import { documentOf, inputFrom, objectOf, workshop } from './workshop.ts';

const DIRECTORY = '/storage/pvtx';
const OBJECTS = '/storage/objects';
const OUT = '/storage/out';
const ROOT = 'root of web';
const WEB = { 'web/root.squashfs': `"${sha256(ROOT)}"`, 'web/run.json': '{}' };
const OLD = documentOf(unsignedApp('db'));
const ARCHIVE = rawTar({ name: 'json', content: documentOf(WEB) }, objectOf(ROOT));

const transactionOn = (host: SimulatedHost): Transaction => {
  const work = workshop(host.files, DIRECTORY);
  work.current = OLD;
  return work.transaction;
};

const settled = async <T>(host: SimulatedHost, work: Promise<T>): Promise<T> => {
  await host.settle();
  return work;
};

/** Cuts `act` at its n-th operation, for every n, and gives what is left to `check`. @returns how often. */
const cutEverywhere = async (
  how: 'crash' | 'power cut',
  prepare: (transaction: Transaction) => Promise<unknown>,
  act: (transaction: Transaction) => Promise<unknown>,
  check: (transaction: Transaction, host: SimulatedHost) => Promise<void>,
): Promise<number> => {
  for (let point = 0; ; point++) {
    let host = simulatedHost();
    await settled(host, prepare(transactionOn(host)));
    host = host.restarted();
    let left = point;
    host.faults = { before: () => (left-- === 0 ? (how === 'crash' ? 'crash' : 'tear') : undefined) };
    void act(transactionOn(host));
    await host.settle();
    const isDone = !host.crashed;
    host.faults = {};
    host = how === 'crash' ? host.restarted() : host.powerCut();
    await settled(host, check(transactionOn(host), host));
    if (isDone) return point;
  }
};

const stateOf = async (transaction: Transaction): Promise<string> => (await show(transaction)).toString();
const NEW = documentOf(unsignedApp('db'), WEB);
const addWeb = (transaction: Transaction): Promise<void> => add(transaction, inputFrom(ARCHIVE));

test.each(['crash', 'power cut'] as const)('a %s during begin leaves a transaction or none', async (how) => {
  const outcomes = new Set<string>();
  const points = await cutEverywhere(
    how,
    async () => {},
    (transaction) => begin(transaction, 'current', OBJECTS),
    async (transaction) => {
      const record = await transaction.workspace.active();
      outcomes.add(record === undefined ? 'none' : 'active');
      if (record === undefined) await begin(transaction, 'current', OBJECTS);
      expect(JSON.parse(await stateOf(transaction))).toEqual(JSON.parse(OLD));
    },
  );
  expect(outcomes).toEqual(new Set(['none', 'active']));
  expect(points).toBeGreaterThan(4);
});

test.each(['crash', 'power cut'] as const)('a %s during add leaves the state before or after', async (how) => {
  const outcomes = new Set<string>();
  const points = await cutEverywhere(
    how,
    (transaction) => begin(transaction, 'current', OBJECTS),
    addWeb,
    async (transaction) => {
      outcomes.add(await stateOf(transaction));
      await addWeb(transaction);
      expect(JSON.parse(await stateOf(transaction))).toEqual(JSON.parse(NEW));
    },
  );
  expect([...outcomes].map((text) => JSON.parse(text))).toEqual([JSON.parse(OLD), JSON.parse(NEW)]);
  expect(points).toBeGreaterThan(5);
});

test.each(['crash', 'power cut'] as const)(
  'a %s during deploy leaves the old or the new tree, and deploy can be done again',
  async (how) => {
    const [before, after] = ['old tree', '{}'];
    const outcomes = new Set<string | undefined>();
    const treeOf = async (host: SimulatedHost): Promise<string | undefined> =>
      (await host.files.read(`${OUT}/web/run.json`, 100))?.toString() ??
      (await host.files.read(`${OUT}.bak/web/run.json`, 100))?.toString();
    const points = await cutEverywhere(
      how,
      async (transaction) => {
        const { files } = transaction;
        await files.makeDirectory(`${OUT}/web`, 0o755);
        await files.write(`${OUT}/web/run.json`, before, 0o644);
        await begin(transaction, 'empty', OBJECTS);
        await addWeb(transaction);
      },
      (transaction) => deploy(transaction, OUT),
      async (transaction, host) => {
        const tree = await treeOf(host);
        outcomes.add(tree);
        if ((await transaction.workspace.active()) !== undefined) await deploy(transaction, OUT);
        expect((await host.files.read(`${OUT}/web/run.json`, 100))?.toString()).toBe(after);
        expect((await host.files.read(`${OUT}/web/root.squashfs`, 100))?.toString()).toBe(ROOT);
        expect((await host.files.list('/storage'))?.filter((name) => name.includes('out'))).toEqual(['out']);
      },
    );
    expect(outcomes).toEqual(new Set([before, after]));
    expect(points).toBeGreaterThan(10);
  },
);

test.each(['crash', 'power cut'] as const)('a %s while a queue grows leaves one that can be processed', async (how) => {
  const outcomes = new Set<string>();
  const points = await cutEverywhere(
    how,
    async (transaction) => {
      await newQueue(transaction, { queue: '/storage/queue', objects: OBJECTS });
      await unpack(transaction, inputFrom(documentOf(unsignedApp('db')), 'db.json'));
    },
    (transaction) => unpack(transaction, inputFrom(ARCHIVE)),
    async (transaction) => {
      await processQueue(transaction, { base: 'empty' });
      outcomes.add(await stateOf(transaction));
    },
  );
  expect([...outcomes].map((text) => JSON.parse(text))).toEqual([JSON.parse(OLD), JSON.parse(NEW)]);
  expect(points).toBeGreaterThan(5);
});
