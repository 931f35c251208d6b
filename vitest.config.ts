import { defineConfig } from 'vitest/config';

/** What looks at or changes what all devices on a machine share: mounts being told, swap, zram, ports, every core. */
const ALONE = [
  'test/system/{examples,readme,sweep,traces}.test.ts',
  'test/system/host/**/*.test.ts',
  'test/system/daemon/{disks,log-limits,side-by-side}.test.ts',
  'test/system/update/kill.test.ts',
];

const onTheMachine = {
  globalSetup: ['test/system/build.ts', 'test/system/leaks.ts'],
  testTimeout: 120_000,
  hookTimeout: 300_000,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/system/**', 'test/vm/**'],
          // For what hangs, not for what is slow: a machine of a CI may be ten times as slow as the one of its author.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...onTheMachine,
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          exclude: ALONE,
          // Two devices side by side: each waits for the kernel half of the time.
          maxWorkers: 2,
        },
      },
      // Emulated machines: minutes instead of seconds.
      {
        test: {
          name: 'vm',
          include: ['test/vm/**/*.test.ts'],
          globalSetup: ['test/system/build.ts'],
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
      { test: { ...onTheMachine, name: 'system-alone', include: ALONE, fileParallelism: false } },
    ],
  },
});
