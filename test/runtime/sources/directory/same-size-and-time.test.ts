/** Files that are written to and given their old size and times back: `cp -p`, rsync, reproducible archives. */
import { stat, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { commit, device, drop, inWatch, look, ONE, proposals, restart, statusOf, TWO, useBench } from './bench.ts';

useBench();

const overwrite = async (file: string, content: string): Promise<void> => {
  const before = await stat(inWatch(file));
  expect(content.length).toBe(before.size);
  await writeFile(inWatch(file), content);
  await utimes(inWatch(file), before.atime, before.mtime);
  const after = await stat(inWatch(file));
  expect({ size: after.size, mtime: after.mtimeMs, ino: after.ino }).toEqual({
    size: before.size,
    mtime: before.mtimeMs,
    ino: before.ino,
  });
};

/** Whole milliseconds, which utimes(2) can set exactly. */
const dropAt = async (file: string, content: string): Promise<void> => {
  await drop(file, content);
  await utimes(inWatch(file), new Date(1_700_000_000_000), new Date(1_700_000_000_000));
};

describe('a drop that is overwritten in place with its size and time kept', () => {
  test('is another drop when its content is another', async () => {
    await dropAt('web.json', ONE);
    await look();
    await overwrite('web.json', TWO);
    await look();
    expect(proposals).toHaveLength(2);
  });

  test('is another drop also when that happened while no daemon ran', async () => {
    await dropAt('web.json', ONE);
    await look();
    await commit('locals/web');
    await overwrite('web.json', TWO);
    await restart();
    await look();
    expect(proposals).toHaveLength(1);
    expect((await statusOf('web'))['hash']).not.toBeUndefined();
  });

  test('is another drop when it could not be read before', async () => {
    const broken = `${ONE.slice(0, -1)}]`;
    await dropAt('web.json', broken);
    await look();
    device.clock.advance(500);
    await look();
    expect((await statusOf('web'))['status']).toBe('WONTGO');
    await overwrite('web.json', ONE);
    await look();
    expect(proposals).toEqual(['locals/web']);
  });

  test('is the same drop when its content is the same, also over a restart', async () => {
    await dropAt('web.json', ONE);
    await look();
    await commit('locals/web');
    await overwrite('web.json', ONE);
    await look();
    await restart();
    await overwrite('web.json', ONE);
    await look();
    await restart();
    await look();
    expect(proposals).toEqual([]);
    expect((await statusOf('web'))['status']).toBe('DONE');
  });

  test('does not undo what came after it', async () => {
    await dropAt('old.json', ONE);
    await look();
    await commit('locals/old');
    await drop('new.json', TWO);
    await look();
    await commit('locals/new');
    await overwrite('old.json', ONE);
    await look();
    expect(proposals).toEqual(['locals/old', 'locals/new']);
    await restart();
    await overwrite('old.json', ONE);
    await look();
    expect(proposals).toEqual([]);
  });
});
