/** `pvcontrol top`: what containers use, once or again and again. Reads the cgroups of the device it runs on. */
import { setTimeout } from 'node:timers/promises';
import { linuxClock } from '../../host/linux/kernel/linux-clock.ts';
import { type Usage, usageReader } from '../../host/linux/lxc/cgroup-usage.ts';
import { containersIn, lxcPathOf, runOf, statusOf } from './on-host.ts';
import { type GlobalOptions, wantsTable, write } from './question.ts';
import { hasColours, openScreen, untilInterrupted } from './screen.ts';
import { type Look, type Looks, renderUsage, rowsOf } from './usage-table.ts';

export interface TopOptions {
  readonly once?: true;
}

/** Between the two looks of one answer; and between answers. */
const FIRST_MS = 500;
const EVERY_MS = 2000;

type ReadUsage = (name: string) => Promise<Usage>;

const look = async (read: ReadUsage, globals: GlobalOptions): Promise<Looks> => {
  const containers = containersIn(await statusOf(globals));
  const atMs = linuxClock.nowMs();
  const looks = containers.map(async (container): Promise<Look> => {
    const run = runOf(container);
    return {
      name: container.name,
      group: container.group,
      status: container.state,
      restarts: container.observed !== null && 'retries' in container.observed ? container.observed.retries : 0,
      uptimeSeconds: run && Math.round((atMs - run.startedAtMs) / 1000),
      startedAtMs: run?.startedAtMs,
      ...(await read(container.name)),
    };
  });
  return { atMs, containers: await Promise.all(looks) };
};

export const top = async ({ once }: TopOptions, globals: GlobalOptions): Promise<void> => {
  const read = usageReader(await lxcPathOf(globals, 'what containers use can be seen'));
  const isLive = once !== true && globals.json !== true && globals.f === undefined && process.stdout.isTTY === true;
  const before = await look(read, globals);
  if (isLive) return watch(before, read, globals);
  await setTimeout(FIRST_MS);
  const rows = rowsOf(await look(read, globals), before);
  const isTable = globals.json !== true && (once === true || wantsTable(globals));
  write(`${isTable ? renderUsage(rows, { colour: hasColours() }) : JSON.stringify(rows)}\n`, globals);
};

const watch = async (first: Looks, read: ReadUsage, globals: GlobalOptions): Promise<void> => {
  const stop = untilInterrupted();
  let before = first;
  let latest = first;
  const draw = (): void => screen.draw(renderUsage(rowsOf(latest, before), { colour: hasColours() }));
  const screen = openScreen(draw);
  try {
    for (let pauseMs = FIRST_MS; !stop.aborted; pauseMs = EVERY_MS) {
      draw();
      await setTimeout(pauseMs, undefined, { signal: stop });
      [before, latest] = [latest, await look(read, globals)];
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    screen.close();
  }
};
