import { describe, expect, it } from 'vitest';
import type { Controllers } from '../../../runtime/engine/controller.ts';
import { perform } from '../../../runtime/engine/performing.ts';
import { simulatedHost } from '../../../runtime/host/simulated/simulated.ts';

const ACTION = { type: 'group.close', ref: 'group/app' } as const;

const bench = (timeoutSeconds?: number) => {
  const host = simulatedHost();
  const signals: AbortSignal[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const group = {
    kind: 'group',
    execute: {
      'group.close': (_: unknown, signal: AbortSignal) => {
        signals.push(signal);
        return promise;
      },
    },
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds: { 'group.close': timeoutSeconds } }),
  };
  const stop = new AbortController();
  let outcome = 'pending';
  perform({ group } as unknown as Controllers, ACTION, host.clock, stop.signal).then(
    () => (outcome = 'done'),
    (error) => (outcome = error.code),
  );
  return { host, signals, stop, resolve, outcome: () => outcome };
};

describe('an action', () => {
  it('is done by the controller of its kind', async () => {
    const { host, resolve, outcome } = bench();
    resolve();
    await host.settle();
    expect([outcome(), host.timers]).toEqual(['done', 0]);
  });

  it.each([
    [undefined, 30_000],
    [5, 5_000],
  ])('has %s seconds', async (seconds, ms) => {
    const { host, signals, outcome } = bench(seconds);
    await host.advance(ms - 1);
    expect([outcome(), signals[0]?.aborted]).toEqual(['pending', false]);
    await host.advance(1);
    expect([outcome(), signals[0]?.aborted]).toEqual(['TIMEOUT', true]);
  });

  it('is told when the loop stops', () => {
    const { signals, stop } = bench();
    stop.abort();
    expect(signals[0]?.aborted).toBe(true);
  });
});
