/** The same for a very long time: nothing may grow. On real containers, and a great deal more on the simulated device. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BenchDevice, Daemon } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import { watchMarks } from '../marks.ts';
import { memoryOf } from '../processes.ts';
import type { Point } from '../statistics.ts';
import { trend } from '../trend.ts';
import { withDevice } from './rig.ts';

const SIMULATED = resolve(import.meta.dirname, '../simulated-soak.ts');
const COUNT = 3;
const UPDATES = 1000;
const QUICK_UPDATES = 30;
/** As many as can be done by then, and said how many: the benchmark as a whole has half an hour. */
const LIMIT_MS = 10 * 60_000;
const EVERY = 20;
const QUICK_EVERY = 5;
/** As a device would: the same few names again and again. */
const NAMES = 4;
/** Per 1000 updates: 1 KB each, less than any of them could leave behind. */
const MEMORY_NOISE_MB = 1;
/** The daemon gives memory back 2 s after the last change. */
const CALM_MS = 3_000;
const execute = promisify(execFile);

const filesBelow = (directory: string): number => readdirSync(directory, { recursive: true }).length;

const sample = ({ storage, run }: BenchDevice, { pid }: Daemon) => {
  const { rssMb, privateDirtyMb } = memoryOf(pid);
  return {
    rssMb,
    privateDirtyMb,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
    stored: filesBelow(storage),
    ledger: filesBelow(join(run, 'ledger')),
  };
};
type Sample = ReturnType<typeof sample>;

const real = (context: Context): Promise<readonly Figure[]> =>
  withDevice(context, COUNT, async (device, state) => {
    const daemon = await device.start();
    const marks = watchMarks(device.marks);
    await daemon.started(COUNT);
    await marks.left(COUNT);
    const samples: (Sample & { readonly x: number })[] = [];
    const [most, every] = context.quick ? [QUICK_UPDATES, QUICK_EVERY] : [UPDATES, EVERY];
    const giveUpAtMs = performance.now() + LIMIT_MS;
    let updates = 0;
    while (updates < most && performance.now() < giveUpAtMs) {
      context.signal.throwIfAborted();
      updates += 1;
      const round = updates;
      const from = daemon.lines.length;
      device.drop(`s${round % NAMES}`, state(1 + (round % 2)));
      await daemon.line(({ msg }) => msg.startsWith('update.commit:'), from);
      // Before that, an init does not listen for the signal yet, and would have to be killed after its grace.
      await marks.left(1);
      if (round % every !== 0) continue;
      // What follows a commit is written by then: status file, history, progress.
      await sleep(CALM_MS);
      samples.push({ x: round, ...sample(device, daemon) });
    }
    marks.close();
    const of = (key: keyof Sample): readonly Point[] => samples.map((each) => ({ x: each.x, y: each[key] }));
    const name = (what: string): string => `${updates} real updates: ${what}`;
    return [
      trend(name('RSS at rest'), 'MB', of('rssMb'), MEMORY_NOISE_MB),
      trend(name('private dirty at rest'), 'MB', of('privateDirtyMb'), MEMORY_NOISE_MB),
      trend(name('file descriptors'), 'pieces', of('descriptors'), 0),
      trend(name('threads'), 'pieces', of('threads'), 0),
      trend(name('files in storage'), 'pieces', of('stored'), 0),
      trend(name('entries in the ledger'), 'pieces', of('ledger'), 0),
    ];
  });

const simulated = async ({ quick, signal }: Context): Promise<readonly Figure[]> => {
  const times = quick ? ['100', '1000'] : ['1000', '10000'];
  const { stdout } = await execute(process.execPath, ['--expose-gc', SIMULATED, ...times], { signal });
  return JSON.parse(stdout) as readonly Figure[]; // our own program's
};

export const soak: Section = {
  name: 'soak',
  title: 'Soak',
  method:
    'Updates of one container, one after the other, on 3 real containers, as many of 1000 as fit in 10 minutes; and updates of changing containers, then looks at every resource with a killed container every third time, on the simulated device with the whole composition of the daemon in one process, its heap collected before every sample. The slope is the median of the slopes between all pairs of samples (Theil and Sen), without the first 30 %; what is judged is the lower end of its 95 % interval.',
  run: async (context) => {
    const all = [...(await real(context)), ...(await simulated(context))];
    for (const { name, values, note } of all) context.say(`${name} ${values[0]?.toFixed(2)} (${note})`);
    return all;
  },
};
