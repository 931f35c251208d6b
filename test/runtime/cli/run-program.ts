/** Runs a program of the project from its sources, as a process of its own. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

const PROJECT = resolve(import.meta.dirname, '../../..');
const SOURCES = join(PROJECT, 'runtime/cli');
/** Of a hundred sources that are read and stripped of their types, by content: a third of the time from the second start on. */
const COMPILED = join(PROJECT, '.cache/compiled');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const runProgram = (
  program: 'pantavisor' | 'pvcontrol' | 'pvtx',
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILED, ...options.env };
    const child = spawn(process.execPath, [join(SOURCES, program, `${program}.ts`), ...args], { env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(options.input ?? '');
  });
