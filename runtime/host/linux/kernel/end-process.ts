/** How the daemon ends, whatever its threads are doing. */
import { alarm } from './libc.ts';

const LIMIT_SECONDS = 5;

/** exit(3) waits for the thread pool, and a thread that reads from a disk that hangs never ends: SIGALRM does it then. */
export const endProcess = (code: number): never => {
  alarm(LIMIT_SECONDS);
  process.exit(code);
};
