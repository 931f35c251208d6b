import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readTarball } from '../../../runtime/store/archive/tarball.ts';
import { sha256, sha256OfStream } from '../../../runtime/store/objects/hash.ts';
import { Rejection } from '../../../runtime/store/rejection.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { streamOf, type TestDevice, testDevice } from './device.ts';
import { type RawEntry, rawTar } from './tar-builder.ts';

let device: TestDevice;
let store: Store;
beforeEach(async () => {
  device = await testDevice();
  store = await device.reopen();
});
afterEach(() => device.remove());

const [A, B] = ['content of a', 'content of b, longer '.repeat(100)];
const json: RawEntry = { name: 'json', content: '{}' };
const object = (content: string): RawEntry => ({ name: `objects/${sha256(content)}`, content });
const stored = (): Promise<readonly string[] | undefined> => device.files.list(`${device.paths.storage}/objects`);

describe('damage anywhere ends in the state, or a sentence', () => {
  const base = rawTar(json, object(A), object(B));
  const damage = fc.record({
    changes: fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
    lengthBytes: fc.oneof(fc.constant(base.length), fc.nat(base.length)),
    isGzip: fc.boolean(),
  });
  type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;
  const damaged = ({ changes, lengthBytes, isGzip }: Damage): Buffer => {
    const archive = Buffer.from(base.subarray(0, lengthBytes));
    for (const [at, value] of changes) if (at < archive.length) fixedSum(archive, at, value);
    return isGzip ? gzipSync(archive) : archive;
  };
  const failureOf = (loading: Promise<unknown>): Promise<unknown> =>
    loading.then(
      () => undefined,
      (error: unknown) => error,
    );

  test('whatever is damaged', { timeout: 30_000 }, async () => {
    const sink = {
      missingObjects: async () => [],
      space: async () => ({ freeBytes: Number.MAX_SAFE_INTEGER }),
      putObject: async (id: string, content: AsyncIterable<Uint8Array>) => {
        if ((await sha256OfStream(content)) !== id) throw new Rejection('expected another sum');
      },
    };
    // A size that is no number: tar-stream alone would wait for ever.
    const examples: [Damage][] = [[{ changes: [[124, 252]], lengthBytes: base.length, isGzip: true }]];
    await fc.assert(
      fc.asyncProperty(damage, async (how) => {
        const failure = await failureOf(readTarball(streamOf(damaged(how)), sink));
        if (failure !== undefined) expect(failure).toBeInstanceOf(Rejection);
      }),
      { numRuns: 3000, examples },
    );
  });

  test('and never outside, never in an object that is not what its name says', { timeout: 30_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(damage, async (how) => {
        const failure = await failureOf(readTarball(streamOf(damaged(how)), store));
        if (failure !== undefined) expect(failure).toBeInstanceOf(Rejection);
        for (const name of (await stored()) ?? []) expect(await store.verifyObject(name), name).toBe('sound');
        expect(await device.files.list(device.root)).toEqual(['storage']);
      }),
      { numRuns: 60 },
    );
  });
});

/** Changes a byte; in a header also the checksum, so that the damage is looked at and not only detected. */
function fixedSum(archive: Buffer, at: number, value: number): void {
  archive[at] = value;
  const start = at - (at % 512);
  const block = archive.subarray(start, start + 512);
  if (block.toString('latin1', 257, 262) !== 'ustar') return;
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}
