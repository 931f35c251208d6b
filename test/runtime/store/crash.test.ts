/** Cuts the store at every operation, in three ways, and looks at what the next start finds. */
import { expect, test } from 'vitest';
import { MESSAGE, progressOf } from '../../../resources/progress.ts';
import { parseState } from '../../../resources/state-format/state.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { openStore, type Store } from '../../../runtime/store/store.ts';
import { trailContentOf } from '../../../runtime/store/trails/trail.ts';
import { pathsBelow, streamOf } from './device.ts';

const paths = pathsBelow('');
const [OLD, NEW] = ['old root', 'new root'];
const stateWith = (content: string): string =>
  JSON.stringify({
    '#spec': 'pantavisor-service-system@1',
    'app/root.squashfs': sha256(content),
    'app/run.json': { of: content },
  });

const contentOf = (state: string) => {
  const parsed = parseState(Buffer.from(state), sha256);
  if (!parsed.ok) throw new Error('the test has a bad state');
  return trailContentOf(parsed.document);
};

const open = (host: SimulatedHost): Promise<Store> => openStore({ files: host.files, clock: host.clock, paths });

/** One update as the update controller does it. */
const update = async (store: Store, revision: string, content: string): Promise<void> => {
  await store.putObject(sha256(content), streamOf(content), 1000);
  await store.propose(revision, Buffer.from(stateWith(content)));
  await store.install(revision, contentOf(stateWith(content)));
  await store.setTrying(revision);
  await store.setCurrent(revision);
  await store.commit(revision);
  await store.setProgress(revision, progressOf('DONE', MESSAGE.done));
  await store.setDone(revision);
};

const prepared = async (lazy: boolean): Promise<SimulatedHost> => {
  const host = simulatedHost({ lazy });
  const done = open(host).then((store) => update(store, 'locals/old', OLD));
  await host.settle();
  await done;
  return host;
};

/** Everything that must hold at any time. Returns the revision that boots. */
const check = async (host: SimulatedHost): Promise<string> => {
  const store = await open(host);
  const { committed, trying } = await store.bootVariables();
  expect(['locals/old', 'locals/new']).toContain(committed);
  if (committed === 'locals/new') expect(trying).toBeUndefined();
  for (const revision of [committed, ...(trying === undefined ? [] : [trying])]) {
    const content = revision === 'locals/old' ? OLD : NEW;
    expect((await store.document(revision))?.toString(), revision).toBe(stateWith(content));
    expect(await store.verifyObject(sha256(content))).toBe('sound');
    const trail = `${paths.storage}/trails/${revision}`;
    expect((await host.files.read(`${trail}/app/root.squashfs`, 100))?.toString()).toBe(content);
    expect((await host.files.read(`${trail}/app/run.json`, 100))?.toString()).toBe(JSON.stringify({ of: content }));
  }
  for (const name of (await host.files.list(`${paths.storage}/objects`)) ?? [])
    expect(await store.verifyObject(name), name).toBe('sound');
  return committed;
};

const settled = async <T>(host: SimulatedHost, work: Promise<T>): Promise<T> => {
  await host.settle();
  return work;
};

test.each(['crash', 'tear', 'power cut', 'power cut on a lazy disk'] as const)(
  'a %s at any operation of an update leaves old or new, whole, and the update can be done again',
  { timeout: 60_000 },
  async (how) => {
    const outcomes = new Set<string>();
    let points = 0;
    for (let isDone = false; !isDone; points++) {
      let host = await prepared(how.endsWith('lazy disk'));
      host = host.restarted();
      let left = points;
      host.faults = { before: () => (left-- === 0 ? (how === 'crash' ? 'crash' : 'tear') : undefined) };
      void open(host).then((store) => update(store, 'locals/new', NEW));
      await host.settle();
      isDone = !host.crashed;
      host.faults = {};
      host = how.startsWith('power cut') ? host.powerCut() : host.restarted();
      outcomes.add(await settled(host, check(host)));
      await settled(
        host,
        open(host).then((store) => update(store, 'locals/new', NEW)),
      );
      expect(await settled(host, check(host))).toBe('locals/new');
    }
    expect(outcomes).toEqual(new Set(['locals/old', 'locals/new']));
    expect(points).toBeGreaterThan(40);
  },
);

test('a power cut at any operation of the first start leaves a storage that starts', { timeout: 60_000 }, async () => {
  for (let point = 0, isDone = false; !isDone; point++) {
    let host = simulatedHost();
    let left = point;
    host.faults = { before: () => (left-- === 0 ? 'tear' : undefined) };
    void open(host);
    await host.settle();
    isDone = !host.crashed;
    host.faults = {};
    host = host.powerCut();
    const store = await settled(host, open(host));
    expect(await settled(host, store.bootVariables())).toEqual({ committed: '0' });
    expect(await settled(host, store.progress('0'))).toEqual(progressOf('DONE', MESSAGE.factory));
    expect((await settled(host, store.document('0')))?.toString()).toBe('{"#spec":"pantavisor-service-system@1"}');
  }
});
