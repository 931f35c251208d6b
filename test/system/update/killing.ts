/** One update of a real device, its daemon killed at some point of it, and what must hold when the next has settled. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { StatusView } from '../../../runtime/api/status.ts';
import { seededRandom } from '../../../runtime/host/simulated/random.ts';
import { parseUboot } from '../../../runtime/store/boot/uboot.ts';
import type { RealDevice } from '../daemon/real-device.ts';
import { type RealState, realState } from '../daemon/real-state.ts';
import { until } from '../daemon/until.ts';

/** What was seen when the daemon was killed. `start`: the next one was killed, too, while it started. */
const GOOD = ['random', 'trail', 'tried', 'halted', 'started', 'tested', 'committed', 'start'] as const;
/** Of an update that cannot succeed: one of its containers does not start. */
const BAD = ['refused', 'given up', 'rolled back'] as const;
/** Of one that reboots, besides. */
const REBOOT = ['rebooting', 'booted'] as const;
type Point = (typeof GOOD)[number] | (typeof BAD)[number] | (typeof REBOOT)[number];

const pointsOf = (reboots: boolean): readonly Point[] => [...GOOD, ...BAD, ...(reboots ? REBOOT : [])];
const isBad = (point: Point): boolean => BAD.some((bad) => bad === point);

export interface Course {
  readonly device: RealDevice;
  readonly name: string;
  readonly reboots: boolean;
  readonly steadyPid: number | undefined;
  readonly ends: { readonly point: Point; readonly isHit: boolean; readonly outcome: 'old' | 'new' }[];
  committed: string;
}

const random = seededRandom(Number(process.env['KILL_SEED'] ?? 1));
const nameOf = (number: number): string => `v${number}`;
/** A point that the update does not come by is waited for so long; then it is killed all the same. */
const POINT_LIMIT_MS = 10_000;
const RANDOM_LIMIT_MS = 700;

const versionOf = (number: number, reboots: boolean, bad = false): RealState => {
  const run = { group: 'apps' };
  const config = { 'etc/version': nameOf(number) };
  return realState()
    .group({ name: 'apps', restart_policy: 'container', status_goal: 'STARTED', timeout: reboots ? 20 + number : 20 })
    .container('steady', { run })
    .container('a', { run, config })
    .container('b', { run, config, ...(bad ? { lines: ['lxc.init.cmd = /nothing'] } : {}) });
};

export const newCourse = async (device: RealDevice, name: string, reboots: boolean): Promise<Course> => {
  await device.start({ PV_UPDATER_REBOOT: reboots ? '1' : '0' });
  device.drop('v0', versionOf(0, reboots));
  await until('the first revision runs', () => isSettled(device, 'v0'));
  const steadyPid = reboots ? undefined : await device.pidOf('steady');
  return { device, name, reboots, steadyPid, ends: [], committed: 'locals/v0' };
};

export const tallyOf = ({ ends, reboots }: Course): string =>
  pointsOf(reboots)
    .map((point) => {
      const here = ends.filter((end) => end.point === point);
      const isNew = here.filter(({ outcome }) => outcome === 'new').length;
      return `${point} ${here.filter(({ isHit }) => isHit).length} of ${here.length} (${isNew} new)`;
    })
    .join(', ');

/** Points at which a daemon was to be killed and never was: whatever the tally says, they prove nothing. */
export const missedBy = ({ ends }: Course): readonly Point[] =>
  [...Map.groupBy(ends, ({ point }) => point)].flatMap(([point, here]) =>
    here.some(({ isHit }) => isHit) ? [] : [point],
  );

/** @param kill how many there were before. */
export const killed = async (course: Course, kill: number): Promise<void> => {
  const { device } = course;
  const points = pointsOf(course.reboots);
  const point = points[kill % points.length] ?? 'random';
  const name = nameOf(kill + 1);
  const logged = device.log().length;
  device.drop(name, versionOf(kill + 1, course.reboots, isBad(point)));
  const isHit = await reached(point, course, name, logged);
  await device.kill();
  if (point === 'start') {
    const starting = device.start().catch(() => undefined); // it never becomes ready: it is killed before
    await sleep(random.below(400));
    await device.kill();
    await starting;
  }
  await device.start();
  try {
    await until('it is settled', () => isSettled(device, name), { detail: () => statusOf(device) });
    await check(course, name);
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    throw new Error(`kill ${kill} at ${point} of ${name}: ${told}`, { cause: error });
  }
  const outcome = course.committed === `locals/${name}` ? 'new' : 'old';
  if (isBad(point)) expect(outcome).toBe('old');
  course.ends.push({ point, isHit, outcome });
  rmSync(join(device.watched, `${name}.json`));
};

/** @returns whether it came to that; chance always does. */
const reached = async (point: Point, { device }: Course, name: string, logged: number): Promise<boolean> => {
  if (point === 'random' || point === 'start') {
    await sleep(random.below(RANDOM_LIMIT_MS));
    return true;
  }
  const trail = join(device.storage, 'trails/locals', name);
  const did = (action: string): boolean => device.log().slice(logged).includes(action);
  const isThere: Record<Exclude<Point, 'random' | 'start'>, () => boolean> = {
    trail: () => existsSync(trail),
    tried: () => bootVariables(device)['pv_try'] === `locals/${name}`,
    halted: () => did('container.halt'),
    started: () => did('container.start'),
    tested: () => did('update.test:'),
    committed: () => bootVariables(device)['pv_rev'] === `locals/${name}`,
    refused: () => did('LXC_START'),
    'given up': () => existsSync(join(trail, '.pv/failure')),
    'rolled back': () => did('update.rollBack:'),
    rebooting: () => readFileIn(join(trail, '.pv/progress')).includes('Rebooting'),
    booted: () => did('the device boots anew'),
  };
  const giveUpAt = performance.now() + POINT_LIMIT_MS;
  while (!isThere[point]()) {
    if (performance.now() >= giveUpAt) return false;
    await sleep(1);
  }
  return true;
};

const readFileIn = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const bootVariables = ({ storage }: RealDevice): Readonly<Record<string, string>> => {
  const file = join(storage, 'boot/uboot.txt');
  const entries = existsSync(file) ? [...parseUboot(readFileSync(file))] : [];
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
};

/** undefined: nobody answers, for the daemon replaces itself. */
const statusOf = async (device: RealDevice): Promise<StatusView | undefined> => {
  try {
    return await device.status();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
};

const isSettled = async (device: RealDevice, name: string): Promise<boolean> => {
  const status = await statusOf(device);
  const update = status?.resources.find(({ ref }) => ref === 'update/device')?.observed ?? null;
  if (status === undefined || update === null || !('committed' in update)) return false;
  if (['trial', 'rebooting', 'lifeline'].some((what) => what in update)) return false;
  const isDue = update.committed.revision !== `locals/${name}` && !(`locals/${name}` in update.failures);
  return !isDue && status.resources.every(({ kind, outcome }) => kind === 'update' || outcome === 'converged');
};

const readJson = (file: string): unknown => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined);

const check = async (course: Course, name: string): Promise<void> => {
  const { device, committed: old } = course;
  const { committed } = await device.status();
  expect([old, `locals/${name}`]).toContain(committed);
  expect(bootVariables(device)).toEqual({ pv_rev: committed });
  const records = join(device.storage, 'trails/locals', name, '.pv');
  const isNew = committed !== old;
  expect(readJson(join(records, 'progress'))).toMatchObject({ status: isNew ? 'DONE' : 'ERROR' });
  if (!isNew) expect(readJson(join(records, 'failure'))).toMatchObject({ detail: expect.stringMatching(/./) });
  const version = `${committed}`.slice('locals/'.length);
  for (const container of ['a', 'b']) expect(await device.read(container, '/etc/version')).toBe(version);
  if (course.steadyPid === undefined) expect(await device.pidOf('steady')).toBeDefined();
  else expect(await device.pidOf('steady')).toBe(course.steadyPid);
  course.committed = `locals/${version}`;
};
