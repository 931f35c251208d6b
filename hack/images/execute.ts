/** Programs run for their output; a failure carries what they said. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const start = promisify(execFile);

/** Standard output, in the C locale. @throws Error with the program's own words. */
export async function execute(
  program: string,
  parameters: readonly string[],
  options: { cwd?: string } = {},
): Promise<string> {
  try {
    const { stdout } = await start(program, parameters, {
      ...options,
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new Error(`${program} ${parameters.join(' ')}: ${said === '' ? 'failed' : said}`, { cause });
  }
}

/** `producer | consumer`. @throws Error when either fails. */
export async function pipe(
  producer: readonly [string, ...string[]],
  consumer: readonly [string, ...string[]],
): Promise<void> {
  const from = spawn(producer[0], producer.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const to = spawn(consumer[0], consumer.slice(1), { stdio: [from.stdout, 'inherit', 'inherit'] });
  // Our own end of the pipe: held open, it would hide from the producer that the consumer has died.
  from.stdout.destroy();
  const codes = await Promise.all([once(from, 'exit'), once(to, 'exit')]);
  if (codes.some(([code]) => code !== 0)) throw new Error(`${producer.join(' ')} | ${consumer.join(' ')}: failed`);
}
