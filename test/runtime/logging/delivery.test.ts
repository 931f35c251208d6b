/** From a file that is followed to the tree of logs: every line once, whenever the daemon dies. */
import { describe, expect, it } from 'vitest';
import { openDelivery } from '../../../runtime/device/log-delivery.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { NOTES_FILE } from '../../../runtime/logging/checkpoint.ts';
import { follow } from '../../../runtime/logging/follower.ts';
import { openLogStore } from '../../../runtime/logging/log-store.ts';
import { LOGS, RUN, record } from './bench.ts';

const ROOT = { path: '/storage/root', isRight: async () => true };
const PATH = '/app.log';
const FILE = `${ROOT.path}${PATH}`;

const onBug = (error: unknown): never => {
  throw error;
};

/** A daemon as far as it is about one file: what an earlier one noted, a store, a follower. */
const daemonOn = async (host: SimulatedHost, layout = { filetree: true, singlefile: false }): Promise<void> => {
  const [logs, run] = [host.logFiles(LOGS), host.logFiles(RUN)];
  const onProblem = (): void => undefined;
  const { delivered, notes } = openDelivery({ files: host.files, logs, run, paths: { run: RUN }, onProblem });
  const options = { logs, clock: host.clock, revision: '1', onBug, onProblem };
  const budget = () => ({ maxSize: '100K', hysteresisFactor: 4, rotateFactor: 5 });
  const store = openLogStore({ ...options, layout: () => layout, budget, notes });
  follow({
    ...{ files: host.followedFiles, clock: host.clock, root: ROOT, path: PATH, isRing: false, delivered, onBug },
    deliver: async (data, receipt) => store.write([record('', { data, receipt })]),
    remark: async () => undefined,
    onProblem,
  });
};

const device = async (): Promise<SimulatedHost> => {
  const host = simulatedHost();
  for (const directory of [LOGS, RUN, ROOT.path]) await host.operator.files.makeDirectory(directory, 0o755);
  return host;
};

const add = (host: SimulatedHost, ...numbers: readonly number[]): Promise<void> =>
  host.operator.files.append(FILE, numbers.map((number) => `line ${number}\n`).join(''), 0o644);

const read = async (host: SimulatedHost, path: string): Promise<string> =>
  (await host.operator.files.read(`${LOGS}/${path}`, 1 << 20))?.toString() ?? '';

/** Everything a first daemon does, up to the operation `dies`. */
const firstDaemon = async (host: SimulatedHost, fault: 'crash' | 'tear' | undefined, dies: number): Promise<number> => {
  const from = host.trace.length;
  await add(host, 1, 2);
  host.faults = { before: ({ index }) => (index === from + dies ? fault : undefined) };
  void daemonOn(host);
  await host.advance(1_000);
  await add(host, 3);
  await host.advance(1_000);
  await add(host, 4, 5);
  await host.advance(1_000);
  host.crash();
  host.faults = {};
  return host.trace.length - from;
};

describe('lines of a file that is followed', () => {
  it('get to the log once and only once, whichever operation is the last one of a daemon', async () => {
    const steps = await firstDaemon(await device(), undefined, 0);
    expect(steps).toBeGreaterThan(30);
    for (const fault of ['crash', 'tear'] as const)
      for (let step = 0; step < steps; step += 1) {
        const host = await device();
        await firstDaemon(host, fault, step);
        const next = host.restarted();
        await add(next, 6);
        void daemonOn(next);
        await next.advance(1_000);
        const expected = [1, 2, 3, 4, 5, 6].map((number) => `line ${number}\n`).join('');
        expect(await read(next, '1/web/app'), `${fault} at ${step}`).toBe(expected);
      }
  });

  it('get to pv.log once when there is no tree', async () => {
    const host = await device();
    await add(host, 1);
    void daemonOn(host, { filetree: false, singlefile: true });
    await host.advance(1_000);
    const next = host.restarted();
    void daemonOn(next, { filetree: false, singlefile: true });
    await next.advance(1_000);
    expect(await read(next, '1/pv.log')).toBe(
      '{"tsec":7,"tnano":0,"platform":"web","lvl":"INFO","src":"app","msg":"line 1"}\n',
    );
  });

  it.each(['', 'no JSON', '{}', '[1]', '[{"path":"../../etc/passwd"}]', '[{"path":"1/web/app","file":"x"}]'])(
    'do not depend on notes that say %j',
    async (text) => {
      const host = await device();
      host.mischief.write(`${RUN}/${NOTES_FILE}`, text);
      await add(host, 1);
      void daemonOn(host);
      await host.advance(1_000);
      expect(await read(host, '1/web/app')).toBe('line 1\n');
    },
  );
});
