import { expect, test } from 'vitest';
import { type Job, startJob } from '../../../runtime/engine/job.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { stoppedClock } from '../store/device.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A job whose runs the test ends by hand: with a time, with nothing, or with an error. */
const bench = () => {
  const clock = stoppedClock();
  const runs: PromiseWithResolvers<number | undefined>[] = [];
  const signals: AbortSignal[] = [];
  const problems: string[] = [];
  const bugs: unknown[] = [];
  const job: Job = startJob({
    name: 'a job',
    clock,
    work: (signal) => {
      const run = Promise.withResolvers<number | undefined>();
      runs.push(run);
      signals.push(signal);
      return run.promise;
    },
    onProblem: (message) => problems.push(message),
    onBug: (error) => bugs.push(error),
  });
  const ends = async (atMs?: number): Promise<void> => {
    runs.at(-1)?.resolve(atMs);
    await turn();
  };
  const refuses = async (message = 'no'): Promise<void> => {
    runs.at(-1)?.reject(new DeviceError('work', 'job', 'EIO', message));
    await turn();
  };
  return { clock, runs, signals, problems, bugs, job, ends, refuses };
};

test('a job runs when it is triggered, and not before', async () => {
  const { job, runs, ends, clock } = bench();
  expect(runs).toHaveLength(0);
  job.run();
  expect(runs).toHaveLength(1);
  await ends();
  expect([runs.length, clock.pending()]).toEqual([1, 0]);
});

test('triggers during a run lead to one more, however many there are', async () => {
  const { job, runs, ends } = bench();
  job.run();
  job.run();
  job.run();
  expect(runs).toHaveLength(1);
  await ends();
  expect(runs).toHaveLength(2);
  await ends();
  expect(runs).toHaveLength(2);
});

test('a job runs at the time that it asks for; a trigger before replaces that', async () => {
  const { job, runs, ends, clock } = bench();
  job.run();
  await ends(clock.nowMs() + 500);
  clock.advance(499);
  expect(runs).toHaveLength(1);
  clock.advance(1);
  expect(runs).toHaveLength(2);
  await ends(clock.nowMs() + 500);
  job.run();
  expect([runs.length, clock.pending()]).toEqual([3, 0]);
});

test('what the device refuses is tried again, ever more slowly, and told once', async () => {
  const { job, runs, refuses, ends, clock, problems } = bench();
  job.run();
  for (const delayMs of [200, 800, 3_200, 12_800, 51_200, 60_000, 60_000]) {
    await refuses();
    clock.advance(delayMs - 1);
    const before = runs.length;
    clock.advance(1);
    expect(runs.length - before, `after ${delayMs} ms`).toBe(1);
  }
  expect(problems).toEqual(['work job: no (EIO)']);
  await refuses('another');
  clock.advance(60_000);
  await ends();
  expect([problems.length, clock.pending()]).toEqual([2, 0]);
  job.run();
  await refuses('another');
  clock.advance(200);
  expect([runs.length, problems.length]).toEqual([11, 3]);
});

test('an end cancels what is due, and a run that is under way is told and then ignored', async () => {
  const { job, runs, signals, refuses, ends, clock, problems } = bench();
  job.run();
  await ends(clock.nowMs() + 500);
  job.run();
  job.stop();
  expect([clock.pending(), signals.at(-1)?.aborted]).toEqual([0, true]);
  await refuses();
  job.run();
  expect([runs.length, clock.pending(), problems]).toEqual([2, 0, []]);
});

test('anything but a refusal is a bug', async () => {
  const { job, runs, bugs } = bench();
  job.run();
  runs.at(-1)?.reject(new Error('a bug'));
  await turn();
  expect(bugs).toEqual([new Error('a bug')]);
});
