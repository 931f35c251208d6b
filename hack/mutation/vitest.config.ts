import { defineConfig } from 'vitest/config';

/** Of hack/mutate only: the tests of the rooms that are mutated, named by hack/mutation/main.ts. */
export default defineConfig({
  test: { include: JSON.parse(process.env['MUTATED_TESTS'] ?? '[]'), testTimeout: 30_000, hookTimeout: 30_000 },
});
