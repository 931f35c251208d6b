import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { linuxFiles } from '../../../../runtime/host/linux/files/linux-files.ts';
import { linuxLogFiles } from '../../../../runtime/host/linux/logs/linux-log-files.ts';
import { logFilesContract } from '../contract-log-files.ts';

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const make = async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pvtest-logs-'));
  made.push(directory);
  const root = join(directory, 'logs');
  await mkdir(root);
  return { logs: linuxLogFiles(root), files: linuxFiles, root };
};

logFilesContract('Linux', make);

it('neither waits for a FIFO in the place of a log nor opens it', async () => {
  const { logs, root } = await make();
  await mkdir(join(root, '0'));
  execFileSync('mkfifo', [join(root, '0/a')]);
  await expect(logs.compress('0/a', '0/a.1.gz')).rejects.toMatchObject({ code: 'EINVAL' });
  const file = await logs.open('0/a');
  expect(await file.append([Buffer.from('x')])).toBe(1);
  await file.close();
});

it.each(['../a', '/a', '0//a', '0/./a', '0/a\0b', ''])('refuses the path %j', async (path) => {
  const { logs } = await make();
  await expect(logs.open(path)).rejects.toMatchObject({ code: 'EINVAL' });
});
