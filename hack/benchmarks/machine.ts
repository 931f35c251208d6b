/** The machine that was measured, in words. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly memory: string;
  readonly kernel: string;
  readonly storage: string;
  readonly node: string;
  readonly lxc: string;
  readonly crun: string;
}

export const hasCrun = (): boolean => spawnSync('crun', ['--version'], { stdio: 'ignore' }).status === 0;

const said = (program: string, ...parameters: readonly string[]): string =>
  execFileSync(program, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ?? '';

/** Of the mount that holds the temporary directory. */
function fileSystem(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, target = '/']) => `${tmpdir()}/`.startsWith(target === '/' ? '/' : `${target}/`));
  return mounts.sort(([, a = ''], [, b = '']) => b.length - a.length)[0]?.[2] ?? 'unknown';
}

export const machine = (program: string): Machine => ({
  cpu: `${cpus().length} × ${cpus()[0]?.model ?? process.arch}, shared`,
  memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
  kernel: release(),
  storage: `${fileSystem()}; run directory tmpfs`,
  node: said(program.replace(/pantavisor$/, 'node'), '--version'),
  lxc: said('lxc-start', '--version'),
  crun: hasCrun() ? said('crun', '--version') : 'crun not installed',
});

export const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
