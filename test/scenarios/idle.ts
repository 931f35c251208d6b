/** The promise of quiet, checked on a rig: at rest nothing ticks, nothing is asked, and a second look does nothing. */
import { expect } from 'vitest';
import { refsIn } from '../../reconcilers/relations.ts';
import type { Rig } from './rig.ts';

const HOUR_MS = 3_600_000;

/** Waits for rest, then fails when the daemon does anything within an hour or finds anything to do by looking again. */
export const expectIdle = async (rig: Rig): Promise<void> => {
  await rig.rest();
  await rig.until(() => rig.device.history.isQuiet);
  expect(rig.host.timers, 'timers of the daemon').toBe(0);
  const asked = rig.host.trace.length;
  await rig.host.advance(HOUR_MS);
  const operations = rig.host.trace.slice(asked).map(({ port, name, subject }) => `${port}.${name} ${subject}`);
  expect(operations, 'operations within an hour of rest').toEqual([]);

  rig.newLog();
  for (const ref of refsIn(rig.device.loop.latest())) rig.device.loop.look(ref);
  await rig.rest();
  await rig.host.settle();
  expect(rig.newLog(), 'deeds of a second look').toEqual([]);
  expect(rig.host.timers, 'timers after a second look').toBe(0);
  expect(rig.bugs).toEqual([]);
};
