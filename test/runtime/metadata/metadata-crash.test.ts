/** Cuts metadata at every operation, in four ways, and looks at what the next start finds. */
import { expect, test } from 'vitest';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { type Metadata, openMetadata } from '../../../runtime/metadata/metadata.ts';
import { pathsBelow } from '../store/device.ts';

const paths = pathsBelow('');
const cache = `${paths.storage}/cache/meta`;
const KEY = 'web.colour';

const open = (host: SimulatedHost): Promise<Metadata> =>
  openMetadata({ files: host.files, name: 'user-meta', run: paths.run, cache, onProblem: () => undefined });

/** What a client does and is told. @returns what was acknowledged. */
const change = async (metadata: Metadata, acknowledged: string[]): Promise<void> => {
  for (const value of ['green', 'blue']) {
    await metadata.put(KEY, value);
    acknowledged.push(value);
  }
  await metadata.remove('gone');
  acknowledged.push('without gone');
};

const prepared = async (lazy: boolean): Promise<SimulatedHost> => {
  const host = simulatedHost({ lazy });
  const done = open(host).then(async (metadata) => {
    await metadata.put(KEY, 'red');
    await metadata.put('gone', 'soon');
  });
  await host.settle();
  await done;
  return host;
};

/** The map, the live directory and the view of the container say the same. */
const found = async (host: SimulatedHost): Promise<{ readonly value: string | undefined; readonly gone: boolean }> => {
  const metadata = await open(host);
  const text = async (path: string): Promise<string | undefined> => (await host.files.read(path, 100))?.toString();
  const value = metadata.get(KEY);
  expect(await text(`${cache}/${KEY}`)).toBe(value);
  expect(await text(`${paths.run}/user-meta/${KEY}`)).toBe(value);
  expect(await text(`${paths.run}/user-meta.web/colour`)).toBe(value);
  const gone = metadata.get('gone') === undefined;
  expect((await text(`${paths.run}/user-meta/gone`)) === undefined).toBe(gone);
  return { value, gone };
};

test.each(['crash', 'tear', 'power cut', 'power cut on a lazy disk'] as const)(
  'a %s at any operation of a change leaves old or new, and nothing that was acknowledged is lost',
  async (how) => {
    const outcomes = new Set<string>();
    for (let point = 0, isDone = false; !isDone; point++) {
      let host = (await prepared(how.endsWith('lazy disk'))).restarted();
      let left = point;
      host.faults = { before: () => (left-- === 0 ? (how === 'crash' ? 'crash' : 'tear') : undefined) };
      const acknowledged: string[] = [];
      void open(host).then((metadata) => change(metadata, acknowledged));
      await host.settle();
      isDone = !host.crashed;
      host.faults = {};
      host = how.startsWith('power cut') ? host.powerCut() : host.restarted();
      const looking = found(host);
      await host.settle();
      const { value, gone } = await looking;
      outcomes.add(value ?? 'nothing');
      // The next one may have been under way.
      const [last = 'red'] = acknowledged.filter((each) => each !== 'without gone').slice(-1);
      const order = ['red', 'green', 'blue'];
      expect(order.indexOf(value ?? '')).toBeGreaterThanOrEqual(order.indexOf(last));
      if (acknowledged.includes('without gone')) expect(gone).toBe(true);
    }
    expect([...outcomes].toSorted()).toEqual(['blue', 'green', 'red']);
  },
);
