/** Running the tools of util-linux and e2fsprogs: no shell, a time limit, bounded output. */
import { execFile } from 'node:child_process';
import { DeviceError } from '../../host.ts';
import { hasCode } from '../files/file-errors.ts';

/** The time that Pantavisor allows these tools. */
const LIMIT_SECONDS = 60;
const OUTPUT_BYTES = 1024 * 1024;

/** Daemons are often started without the directories of system tools. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Any exit code is an answer. @throws DeviceError ENOENT: not installed; TIMEOUT: killed after 60 s. */
export const run = (program: string, args: readonly string[]): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const options = {
      timeout: LIMIT_SECONDS * 1000,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_BYTES,
      env: { PATH, LC_ALL: 'C' },
    } as const;
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(failure(program, error));
    });
    // Tools that would ask a person get the end of input as the answer.
    child.stdin?.end();
  });

const failure = (program: string, error: Error & { killed?: boolean; signal?: string | null }): DeviceError => {
  const cause = { cause: error };
  if (hasCode(error, 'ENOENT')) return new DeviceError('run', program, 'ENOENT', 'is it installed?', cause);
  if (error.killed) return new DeviceError('run', program, 'TIMEOUT', `killed after ${LIMIT_SECONDS} s`, cause);
  return new DeviceError('run', program, 'FAILED', error.signal ? `died of ${error.signal}` : error.message, cause);
};

/** As `run`, when only exit code 0 will do. @throws DeviceError FAILED with what the tool said last. */
export const runSuccessfully = async (program: string, args: readonly string[], subject: string): Promise<string> => {
  const { code, stdout, stderr } = await run(program, args);
  if (code === 0) return stdout;
  const said = stderr.trim().split('\n').slice(-3).join('; ');
  throw new DeviceError(program, subject, 'FAILED', `exit code ${code}: ${said}`);
};
