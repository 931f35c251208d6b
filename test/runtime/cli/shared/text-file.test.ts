import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTextFile } from '../../../../runtime/cli/shared/text-file.ts';

let directory: string;
const at = (name: string): string => join(directory, name);
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pvtest-text-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a configuration file', () => {
  it('is read as text, also through a link', () => {
    writeFileSync(at('file'), 'a=ä\n');
    symlinkSync('file', at('link'));
    expect([readTextFile(at('file')), readTextFile(at('link'))]).toEqual(Array(2).fill({ text: 'a=ä\n' }));
  });

  it.each<[string, () => void, RegExp]>([
    ['missing', () => undefined, /cannot be read: ENOENT/],
    ['too large', () => writeFileSync(at('it'), 'x'.repeat(65_537)), /larger than 65536 bytes/],
    ['binary', () => writeFileSync(at('it'), 'a=b\0c'), /is not text/],
    ['a directory', () => mkdirSync(at('it')), /is no file/],
    ['a pipe that nobody writes to', () => void execFileSync('mkfifo', [at('it')]), /is no file/],
    ['a link to a device without end', () => symlinkSync('/dev/zero', at('it')), /is no file/],
    ['a link to itself', () => symlinkSync('it', at('it')), /cannot be read: ELOOP/],
  ])('that is %s has a problem instead', (_name, make, problem) => {
    make();
    expect(readTextFile(at('it'))).toEqual({ problem: expect.stringMatching(problem) });
  });
});
