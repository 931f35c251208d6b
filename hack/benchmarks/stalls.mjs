// Loaded into a daemon with NODE_OPTIONS=--import by the benchmark alone: how long its event loop was held up.
// USR2 writes the longest stall since the last USR2, in milliseconds, to the file named by PV_BENCH_STALLS.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
process.on('SIGUSR2', () => {
  const stall = {
    maxMs: Math.max(delay.max / 1e6 - RESOLUTION_MS, 0),
    p99Ms: delay.percentile(99) / 1e6 - RESOLUTION_MS,
  };
  writeFileSync(process.env.PV_BENCH_STALLS, JSON.stringify(stall));
  delay.reset();
});
