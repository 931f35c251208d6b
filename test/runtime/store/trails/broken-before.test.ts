import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brokenBeforeFile, brokenBeforeIn } from '../../../../runtime/store/trails/broken-before.ts';
import { type TestDevice, testDevice } from '../device.ts';

let device: TestDevice;
let file: string;
let problems: string[];

beforeEach(async () => {
  device = await testDevice();
  file = brokenBeforeFile(device.paths.storage);
  await mkdir(`${device.paths.storage}/boot`, { recursive: true });
  problems = [];
});
afterEach(() => device.remove());

const record = () => brokenBeforeIn(device.files, file, (path, message) => problems.push(`${path}: ${message}`));

test('is remembered, and forgotten with nothing', async () => {
  const broken = { 'container/web': 'd1', 'disk/usb': '{}' } as const;
  await record().setBrokenBefore(broken);
  expect(await record().brokenBefore()).toEqual(broken);
  await record().setBrokenBefore({});
  expect(await record().brokenBefore()).toEqual({});
  expect(await device.files.stat(file)).toBeUndefined();
});

test.each(['', '{', '[]', '{"container/web":1}', '{"web":"d1"}', 'null'])(
  '%j is named and excuses nobody',
  async (text) => {
    await writeFile(file, text);
    expect(await record().brokenBefore()).toEqual({});
    expect(problems).toEqual([expect.stringContaining('not a record of ours')]);
  },
);

test('a directory in its place excuses nobody', async () => {
  await mkdir(file);
  expect(await record().brokenBefore()).toEqual({});
  expect(problems).toHaveLength(1);
});
