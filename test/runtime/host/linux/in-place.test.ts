import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { overwrite } from '../../../../runtime/host/linux/files/in-place.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'in-place-'));
  file = join(directory, 'grubenv');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a file that a boot loader writes as well', () => {
  it('keeps its inode, and so its blocks, when it is written again', async () => {
    writeFileSync(file, 'a'.repeat(1024));
    const before = statSync(file).ino;
    await overwrite(file, 'b'.repeat(1024), 0o644);
    expect([statSync(file).ino, readFileSync(file, 'utf8')]).toEqual([before, 'b'.repeat(1024)]);
  });

  it('is made when it is missing, and made anew when it has another size', async () => {
    await overwrite(file, 'one', 0o644);
    const before = statSync(file).ino;
    await overwrite(file, 'three', 0o644);
    expect(readFileSync(file, 'utf8')).toBe('three');
    expect(statSync(file).ino).not.toBe(before);
  });

  it('never leads out by a symlink', async () => {
    const other = join(directory, 'other');
    writeFileSync(other, 'abc');
    symlinkSync(other, file);
    await overwrite(file, 'xyz', 0o644);
    expect([readFileSync(other, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['abc', 'xyz']);
  });
});
