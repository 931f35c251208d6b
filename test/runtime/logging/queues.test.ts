import { describe, expect, it } from 'vitest';
import { LogQueues } from '../../../runtime/logging/queues.ts';
import { record } from './bench.ts';

const KIB = 1024;
const from = (platform: string, data: string | number) =>
  record(typeof data === 'number' ? 'x'.repeat(data) : data, { platform });

/** Puts until there is no room. @returns how many were taken. */
const fill = (queues: LogQueues, platform: string, bytes = 4 * KIB): number => {
  let count = 0;
  while (queues.put(from(platform, bytes))) count += 1;
  return count;
};

describe('queues of records', () => {
  it('give back what was put in, in its order', () => {
    const queues = new LogQueues();
    for (let index = 0; index < 3000; index += 1) queues.put(from('web', String(index)));
    const taken = Array.from({ length: 10 }, () => queues.take(100 * KIB)).flat();
    expect(taken.map(({ data }) => data.toString())).toEqual(Array.from({ length: 3000 }, (_, index) => String(index)));
    expect(queues.isEmpty).toBe(true);
    expect(queues.take(100 * KIB)).toEqual([]);
  });

  it('are served in turn: whoever has much waits for nobody, and nobody waits for it', () => {
    const queues = new LogQueues();
    fill(queues, 'flood');
    queues.put(from('web', 'a'));
    queues.put(from('db', 'b'));
    const platforms = queues.take(64 * KIB).map(({ platform }) => platform);
    expect(platforms).toContain('web');
    expect(platforms).toContain('db');
    expect(platforms.indexOf('db')).toBeLessThan(6);
  });

  it('hold so much of each platform and no more, and count what is lost', () => {
    const queues = new LogQueues();
    const count = fill(queues, 'flood');
    expect(count * 4 * KIB).toBeLessThanOrEqual(4 * KIB * KIB);
    expect(count * 4 * KIB).toBeGreaterThan(2 * KIB * KIB);
    expect(queues.isFull('flood')).toBe(true);
    expect(queues.put(from('web', 'x'))).toBe(true);
    expect(queues.losses()).toEqual([{ platform: 'flood', lost: 1 }]);
    expect(queues.losses()).toEqual([]);
    expect(queues.counts()).toEqual([
      { platform: 'flood', received: count + 1, lost: 1 },
      { platform: 'web', received: 1, lost: 0 },
    ]);
  });

  it('hold so much in all, however many flood', () => {
    const queues = new LogQueues();
    let bytes = 0;
    for (let index = 0; index < 100; index += 1) bytes += fill(queues, `flood${index}`) * 4 * KIB;
    expect(bytes).toBeLessThan(20 * KIB * KIB);
    expect(queues.put(from('web', 'x'))).toBe(true);
  });

  it('call back one after the other, as far as there is room', () => {
    const queues = new LogQueues();
    fill(queues, 'web');
    const called: number[] = [];
    for (let index = 0; index < 20; index += 1)
      queues.whenRoom('web', () => {
        called.push(index);
        expect(queues.put(from('web', 64 * KIB))).toBe(true);
      });
    expect(called).toEqual([]);
    while (called.length < 20) queues.take(256 * KIB);
    expect(called).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(queues.losses()).toEqual([{ platform: 'web', lost: 1 }]);
  });

  it('forget platforms that are long gone', () => {
    const queues = new LogQueues();
    for (let index = 0; index < 10_000; index += 1) {
      queues.put(from(`name${index}`, 'x'));
      queues.take(KIB);
    }
    expect(queues.counts().length).toBeLessThanOrEqual(512);
  });
});
