import { expect, test } from 'vitest';
import { startCollecting } from '../../../runtime/device/garbage-collection.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import type { CollectRequest } from '../../../runtime/store/space/housekeeping.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { stoppedClock } from '../store/device.ts';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const bench = () => {
  const clock = stoppedClock();
  const state = { inDoubt: false, thresholdPercent: 0, availableBytes: 100, refusals: 0, restored: 0 };
  const collected: string[] = [];
  const problems: string[] = [];
  const store: Pick<Store, 'collect' | 'space'> = {
    space: async () => ({ availableBytes: state.availableBytes, totalBytes: 100, freeBytes: 0, reservedBytes: 0 }),
    collect: async ({ keep = [], youngSeconds }: CollectRequest & { signal?: AbortSignal } = {}) => {
      if (state.inDoubt) throw new DeviceError('collect', 'garbage', 'IN_DOUBT', 'nobody knows what is committed');
      if (state.refusals > 0) {
        state.refusals -= 1;
        throw new DeviceError('remove', 'trail', 'EIO', 'a bad sector');
      }
      collected.push(`keep ${[...keep].join('+') || 'nothing'}, young ${youngSeconds ?? 0} s`);
      return 1;
    },
  };
  const collecting = startCollecting({
    store: store as Store, // all that is used of it
    reserve: {
      restore: async () => {
        state.restored += 1;
      },
    },
    clock,
    limits: () => ({ thresholdPercent: state.thresholdPercent, defertimeSeconds: 60 }),
    onProblem: (_, message) => problems.push(message),
    onBug: (error) => {
      throw error;
    },
  });
  return { clock, state, collected, problems, collecting };
};

test('a commit collects all but the revision before it and the factory revision; the first look is no commit', async () => {
  const { collecting, collected, clock } = bench();
  collecting.committed('locals/1');
  collecting.committed('locals/1');
  await turns();
  expect(collected).toEqual([]);
  collecting.committed('locals/2');
  await turns();
  expect(collected).toEqual(['keep locals/1+0, young 60 s']);
  expect(clock.pending()).toBe(0);
});

test('in doubt about what is committed nothing is tried again until something new is due', async () => {
  const { collecting, collected, state, problems, clock } = bench();
  collecting.committed('locals/1');
  await turns();
  state.inDoubt = true;
  collecting.committed('locals/2');
  await turns();
  expect(problems).toEqual([expect.stringContaining('nobody knows what is committed')]);
  expect(clock.pending()).toBe(0);
  state.inDoubt = false;
  collecting.committed('locals/3');
  await turns();
  expect(collected).toEqual(['keep locals/2+0, young 60 s']);
});

test('a collection that the device refuses stays due', async () => {
  const { collecting, collected, state, problems, clock } = bench();
  await turns();
  state.refusals = 2;
  collecting.isFull();
  await turns();
  expect(collected).toEqual([]);
  clock.advance(200);
  await turns();
  clock.advance(800);
  await turns();
  expect(collected).toEqual(['keep nothing, young 0 s']);
  expect(problems).toEqual([
    'the disk is full: the emergency reserve is in use, and garbage is collected',
    'garbage could not be collected: remove trail: a bad sector (EIO)',
  ]);
  expect(clock.pending()).toBe(0);
});

test('the free space is looked at every minute while there is a threshold, which may come later', async () => {
  const { collecting, collected, state, clock } = bench();
  await turns();
  expect(clock.pending()).toBe(0);
  state.thresholdPercent = 50;
  collecting.committed('locals/1');
  await turns();
  state.availableBytes = 49;
  clock.advance(59_999);
  await turns();
  expect(collected).toEqual([]);
  clock.advance(1);
  await turns();
  expect(collected).toEqual(['keep nothing, young 60 s']);
  state.thresholdPercent = 0;
  clock.advance(60_000);
  await turns();
  expect([collected.length, clock.pending()]).toEqual([1, 0]);
});

test('the reserve is made at the start and after every collection', async () => {
  const { collecting, state, clock } = bench();
  await turns();
  expect(state.restored).toBe(1);
  await collecting.collect();
  expect(state.restored).toBe(2);
  collecting.stop();
  expect(clock.pending()).toBe(0);
});

test('collections that are due at once are done one after the other, each', async () => {
  const { collecting, collected } = bench();
  await turns();
  collecting.committed('locals/1');
  collecting.committed('locals/2');
  collecting.isFull();
  await turns();
  expect(collected).toEqual(['keep locals/1+0, young 60 s', 'keep nothing, young 0 s']);
});
