/** A log store on the simulated device, and records to put into it. */
import { gunzipSync } from 'node:zlib';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import type { BudgetSettings } from '../../../runtime/logging/budget.ts';
import { openNotes } from '../../../runtime/logging/checkpoint.ts';
import type { Layout } from '../../../runtime/logging/file-layout.ts';
import type { LogRecord } from '../../../runtime/logging/log-record.ts';
import type { LogSink } from '../../../runtime/logging/log-sink.ts';
import { openLogStore } from '../../../runtime/logging/log-store.ts';

export const LOGS = '/storage/logs';
export const RUN = '/run';
const MAX = 1 << 24;

export const record = (data: string, more: Partial<LogRecord> = {}): LogRecord => ({
  platform: 'web',
  isOwn: false,
  source: 'app',
  level: 3,
  data: Buffer.from(data),
  isText: false,
  timeMs: 0,
  tsec: 7,
  ...more,
});

export interface Bench {
  readonly host: SimulatedHost;
  readonly problems: readonly string[];
  readonly sink: LogSink;
  /** `sink.write`, on the device's time. */
  write(...records: readonly LogRecord[]): Promise<void>;
  read(path: string): Promise<string | undefined>;
  /** Of all archives of a log and the log itself, oldest first. */
  whole(path: string): Promise<string>;
  /** Path and size of everything there. */
  sizes(): Promise<ReadonlyMap<string, number>>;
  /** The daemon dies, or the power goes, and the next store begins. */
  again(how?: 'killed' | 'power cut'): Promise<Bench>;
}

export interface BenchOptions {
  readonly budget?: Partial<BudgetSettings>;
  readonly layout?: Partial<Layout>;
  readonly revision?: string;
}

const stopped = async (host: SimulatedHost, work: Promise<unknown>): Promise<void> => {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => undefined);
  await host.runUntil(() => isDone || host.crashed, 60_000);
  if (isDone) await done;
};

export const bench = async (options: BenchOptions = {}, given?: SimulatedHost): Promise<Bench> => {
  const host = given ?? simulatedHost({ lazy: true });
  const { files } = host.operator;
  for (const directory of [LOGS, RUN]) await files.makeDirectory(directory, 0o755);
  const logs = host.logFiles(LOGS);
  const problems: string[] = [];
  const notes = await openNotes(host.logFiles(RUN));
  const sink = openLogStore({
    logs,
    clock: host.clock,
    revision: options.revision ?? '1',
    layout: () => ({ filetree: true, singlefile: false, ...options.layout }),
    budget: () => ({ maxSize: '0', hysteresisFactor: 4, rotateFactor: 5, ...options.budget }),
    notes,
    onProblem: (subject, message) => problems.push(`${subject}: ${message}`),
    onBug: (error) => {
      throw error;
    },
  });
  await host.settle();
  const sizes = async (): Promise<ReadonlyMap<string, number>> => {
    const found: [string, number][] = [];
    const walk = async (path: string, name: string): Promise<void> => {
      const stat = await files.stat(path);
      if (stat?.type === 'file') found.push([name, stat.sizeBytes]);
      for (const inner of stat?.type === 'directory' ? ((await files.list(path)) ?? []) : [])
        await walk(`${path}/${inner}`, name === '' ? inner : `${name}/${inner}`);
    };
    await walk(LOGS, '');
    return new Map(found);
  };
  return {
    host,
    problems,
    sink,
    sizes,
    write: async (...records) => {
      await stopped(host, Promise.resolve(sink.write(records)));
      await host.settle();
    },
    read: async (path) => (await files.read(`${LOGS}/${path}`, MAX))?.toString(),
    whole: async (path) => {
      const numberOf = (name: string): number => Number(/\.(\d+)\.gz$/.exec(name)?.[1]);
      const archives = [...(await sizes()).keys()]
        .filter((name) => name.startsWith(`${path}.`) && name.endsWith('.gz'))
        .sort((left, right) => numberOf(left) - numberOf(right));
      const parts: string[] = [];
      for (const name of archives) {
        const bytes = (await files.read(`${LOGS}/${name}`, MAX)) ?? Buffer.alloc(0);
        parts.push(gunzipSync(bytes).toString());
      }
      return [...parts, (await files.read(`${LOGS}/${path}`, MAX))?.toString() ?? ''].join('');
    },
    again: async (how = 'killed') => {
      host.faults = {};
      const next = how === 'killed' ? host.restarted() : host.powerCut();
      return bench(options, next);
    },
  };
};
