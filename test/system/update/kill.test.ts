/**
 * The real daemon is killed (SIGKILL) in the middle of real updates of real containers, again and again, at chosen
 * points and at random ones. `KILLS` says how often (default 200). After each, the next daemon must bring the device to
 * the old revision or the new one, whole, with the reason on record; what the update is not about runs on untouched.
 */
import { expect } from 'vitest';
import { test } from '../daemon/real-device.ts';
import { describeSystem } from '../require-root.ts';
import { type Course, killed, missedBy, newCourse, tallyOf } from './killing.ts';

const KILLS = Number(process.env['KILLS'] ?? 200);
const LIMIT_MS = 60_000 + KILLS * 4_000;

/** One in ten is of an update that reboots. */
const REBOOTS = Math.ceil(KILLS / 10);
/** Devices side by side: a daemon that starts or a container that stops leaves the machine idle half of the time. */
const DEVICES = 3;

const run = async (course: Course, kills: number): Promise<void> => {
  for (let kill = 0; kill < kills; kill += 1) await killed(course, kill);
  process.stdout.write(`${kills} of ${kills} kills of ${course.name} survived: ${tallyOf(course)}\n`);
  const outcomes = new Set(course.ends.map(({ outcome }) => outcome));
  // A loop that never met an update in its middle would prove nothing.
  if (kills >= 20) expect([...outcomes].sort()).toEqual(['new', 'old']);
  expect(missedBy(course), 'points at which nobody was ever killed').toEqual([]);
};

describeSystem('a daemon that is killed in the middle of updates', () => {
  const options = { timeout: LIMIT_MS, concurrent: true };
  const kills = Math.ceil((KILLS - REBOOTS) / DEVICES);

  for (let number = 1; number <= DEVICES; number += 1) {
    test(
      `ends each old or new, whole, and leaves alone what it is not about (device ${number})`,
      options,
      async ({ device }) => {
        await run(await newCourse(device, `updates of two of three containers on device ${number}`, false), kills);
      },
    );
  }

  test('does so when updates reboot the device', options, async ({ device }) => {
    await run(await newCourse(device, 'updates that reboot', true), REBOOTS);
  });
}, ['lxc', 'loop', 'squashfs']);
