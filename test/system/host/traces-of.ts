/** What of a directory is still in use on this machine: mounts in it, loop devices and swap areas on its files. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const linesWith = (text: string, directory: string): readonly string[] =>
  text.split('\n').filter((line) => line.includes(directory));

export const usesOf = (directory: string): readonly string[] => [
  ...linesWith(readFileSync('/proc/self/mountinfo', 'utf8'), directory),
  ...linesWith(execFileSync('losetup', ['-a'], { encoding: 'utf8' }), directory),
  ...linesWith(readFileSync('/proc/swaps', 'utf8'), directory),
];
