/** Signals to processes of containers. */
import { constants } from 'node:os';
import { hasCode } from '../files/file-errors.ts';
import { linuxFiles } from '../files/linux-files.ts';

export const sendSignal = (pid: number, signal: number): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error; // it ended by itself
  }
};
/** With its hooks, which are in no cgroup yet while a container starts. They are in its process group; init is not. */
export const killMonitor = async (pid: number | undefined): Promise<void> => {
  if (pid === undefined) return;
  const stat = await linuxFiles.read(`/proc/${pid}/stat`, 4096);
  // proc_pid_stat(5): the name in parentheses may hold anything; state, parent and process group come after it.
  const group = Number(stat?.toString().split(') ').at(-1)?.split(' ')[2]);
  sendSignal(group === pid ? -pid : pid, constants.signals.SIGKILL);
};

/** Makes a monitor go on that a signal has stopped. False: it was not stopped. */
export const wakeMonitor = async (pid: number | undefined): Promise<boolean> => {
  if (pid === undefined) return false;
  const stat = (await linuxFiles.read(`/proc/${pid}/stat`, 4096))?.toString();
  if (stat?.split(') ').at(-1)?.[0] !== 'T') return false;
  sendSignal(pid, constants.signals.SIGCONT);
  return true;
};
