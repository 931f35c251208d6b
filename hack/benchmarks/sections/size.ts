/** What has to be on the device. */
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Section } from '../figure.ts';

const project = resolve(import.meta.dirname, '../../..');

function sizeOf(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.isSymbolicLink() ? 0 : stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

const MB = 1e6;

export const size: Section = {
  name: 'size',
  title: 'Size',
  method: 'Bytes of the files, in millions; not compressed.',
  run: async ({ program }) => {
    const dist = dirname(program);
    return [
      { name: 'programs (dist/lib)', unit: 'MB', values: [sizeOf(join(dist, 'lib')) / MB] },
      { name: 'their compiled code (dist/.cache)', unit: 'MB', values: [sizeOf(join(dist, '.cache')) / MB] },
      {
        name: 'native library (ffi-rs)',
        unit: 'MB',
        values: [
          (sizeOf(join(project, 'node_modules/ffi-rs')) +
            sizeOf(join(project, `node_modules/@yuuang/ffi-rs-linux-${process.arch}-gnu`))) /
            MB,
        ],
      },
      { name: 'Node', unit: 'MB', values: [statSync(realpathSync(join(dist, 'node'))).size / MB] },
    ];
  },
};
