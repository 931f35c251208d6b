import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockDirectories } from '../../../../runtime/host/linux/files/lock.ts';
import { mkfifo } from '../../../../runtime/host/linux/kernel/libc.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pvtest-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the lock of a directory', () => {
  test.each<readonly [string, (path: string) => void]>([
    ['missing', () => undefined],
    ['a FIFO', (path) => mkfifo(path, 0o600)],
    ['a directory', (path) => void mkdirSync(path)],
  ])('whose file is %s is held by one at a time', (_, damage) => {
    damage(`${directory}/.pantavisor.lock`);
    const unlock = lockDirectories([directory]);
    expect(() => lockDirectories([directory])).toThrow(/another pantavisor works here/);
    unlock();
    lockDirectories([directory])();
  });
});
