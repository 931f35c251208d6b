import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { onceCalm } from '../../../runtime/device/release-memory.ts';
import { simulatedHost } from '../../../runtime/host/simulated/simulated.ts';

const started = () => {
  const host = simulatedHost();
  const changes = new Subject<void>();
  let tidied = 0;
  const subscription = onceCalm(changes, host.clock, () => {
    tidied += 1;
  });
  return { host, changes, subscription, tidied: () => tidied };
};

test('memory is given back once, after the last of many changes, and then no timer is left', async () => {
  const { host, changes, tidied } = started();
  for (let change = 0; change < 10; change += 1) {
    changes.next();
    await host.advance(1_500);
    expect(tidied()).toBe(0);
  }
  await host.advance(2_000);
  expect(tidied()).toBe(1);
  expect(host.timers).toBe(0);
  await host.advance(3_600_000);
  expect(tidied()).toBe(1);
});

test('a change after the calm leads to another one', async () => {
  const { host, changes, tidied } = started();
  for (const round of [1, 2]) {
    changes.next();
    await host.advance(5_000);
    expect(tidied()).toBe(round);
  }
});

test('nothing happens after the end', async () => {
  const { host, changes, subscription, tidied } = started();
  changes.next();
  subscription.unsubscribe();
  expect(host.timers).toBe(0);
  await host.advance(5_000);
  expect(tidied()).toBe(0);
});
