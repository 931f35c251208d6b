/** The source as a whole, with its watches and timers, on the simulated device. */
import { expect, test } from 'vitest';
import { DeviceError } from '../../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../../runtime/host/simulated/simulated.ts';
import { incoming } from '../../../../runtime/sources/directory/incoming.ts';
import { openStore } from '../../../../runtime/store/store.ts';
import { pathsBelow } from '../../store/device.ts';
import { readBare } from './read-bare.ts';

const paths = pathsBelow('');
const STATE = '{"#spec":"pantavisor-service-system@1"}';

/** A daemon that does nothing but watch. */
const watchOn = (host: SimulatedHost) => {
  const proposed: string[] = [];
  const problems: string[] = [];
  const bugs: unknown[] = [];
  let stop = (): void => undefined;
  const started = openStore({ files: host.files, clock: host.clock, paths }).then((store) => {
    const source = incoming({
      files: host.files,
      clock: host.clock,
      store,
      directory: paths.watch,
      read: readBare,
      onProblem: (subject, message) => problems.push(`${subject}: ${message}`),
    });
    const subscription = source.proposals.subscribe({
      next: ({ revision }) => proposed.push(revision),
      error: (error) => bugs.push(error),
    });
    stop = () => subscription.unsubscribe();
  });
  return { proposed, problems, bugs, started, stop: () => stop() };
};
const drop = (host: SimulatedHost, file: string, content: string): Promise<void> =>
  host.operator.files.write(`${paths.watch}/${file}`, content, 0o644);
const names = (host: SimulatedHost) => host.operator.files.list(paths.watch);

test('a drop is proposed at once; then there is no timer and nothing is written', async () => {
  const host = simulatedHost();
  const { proposed, bugs } = watchOn(host);
  await host.settle();
  const startedAtMs = host.clock.nowMs();
  await drop(host, 'web.json', STATE);
  await host.settle();
  expect(proposed).toEqual(['locals/web']);
  expect(host.clock.nowMs()).toBe(startedAtMs);
  expect(host.timers).toBe(0);
  const written = host.log.length;
  await host.advance(3_600_000);
  expect(host.log).toHaveLength(written);
  expect(bugs).toEqual([]);
});

test('a half-written drop keeps one timer, until it is judged', async () => {
  const host = simulatedHost();
  const { proposed } = watchOn(host);
  await host.settle();
  await drop(host, 'web.json', '{');
  await host.settle();
  expect(host.timers).toBe(1);
  await host.advance(499);
  expect(await names(host)).toEqual(['web.json']);
  await host.advance(1);
  expect(await names(host)).toEqual(['web.json', 'web.status.json']);
  expect(host.timers).toBe(0);
  expect(proposed).toEqual([]);
});

test('stopping leaves no timer, and no drop is looked at any more', async () => {
  const host = simulatedHost();
  const { proposed, stop } = watchOn(host);
  await host.settle();
  await drop(host, 'web.json', '{');
  await host.settle();
  stop();
  expect(host.timers).toBe(0);
  await drop(host, 'web.json', STATE);
  await host.settle();
  expect(proposed).toEqual([]);
});

test('the daemon may die at any operation: the next one proposes the drop', { timeout: 30_000 }, async () => {
  let point = 0;
  for (let isDone = false; !isDone; point++) {
    let host = simulatedHost();
    await host.operator.files.makeDirectory(paths.watch, 0o755);
    await drop(host, 'web.json', STATE);
    let left = point;
    host.faults = { before: () => (left-- === 0 ? 'tear' : undefined) };
    watchOn(host);
    await host.settle();
    isDone = !host.crashed;
    host.faults = {};
    host = host.powerCut();
    const { proposed } = watchOn(host);
    await host.settle();
    expect(proposed, `cut at operation ${point}`).toEqual(['locals/web']);
  }
  expect(point).toBeGreaterThan(40);
});

test('any call may be refused for a while: the drop is proposed in the end, and it is no bug', {
  timeout: 30_000,
}, async () => {
  let point = 0;
  for (let isDone = false; !isDone; point++) {
    const host = simulatedHost();
    const { proposed, bugs, started } = watchOn(host);
    await host.settle();
    await started;
    let left = point;
    isDone = true;
    host.faults = {
      before: ({ name, subject, daemon }) => {
        if (daemon === 0 || left-- !== 0) return undefined;
        isDone = false;
        return new DeviceError(name, subject, 'ENOSPC');
      },
    };
    await drop(host, 'web.json', STATE);
    await host.settle();
    host.faults = {};
    await host.advance(60_000);
    expect(bugs).toEqual([]);
    expect(proposed, `refused at operation ${point}`).toEqual(['locals/web']);
    expect(host.timers).toBe(0);
  }
  expect(point).toBeGreaterThan(15);
});
