/** What can only be had on the device itself, beside the daemon: its processes, cgroups, LXC directory. */
import { existsSync } from 'node:fs';
import type { ResourceView, StatusView } from '../../api/status.ts';
import { lxcPathIn } from '../../config/directories.ts';
import { ClientError } from './client.ts';
import { askSocket, type GlobalOptions } from './question.ts';

interface ConfigItem {
  readonly key: string;
  readonly value: string;
  readonly modified: string;
}

/** What our own daemon answers, over a socket that only root can offer. @throws ClientError when it refuses. */
const answerOf = async <T>(path: string, globals: GlobalOptions): Promise<T> => {
  const { status, body } = await askSocket({ method: 'GET', path }, globals);
  if (status !== 200) throw new ClientError(`the daemon answers ${status} to ${path}: ${body}`);
  return JSON.parse(body) as T;
};

export const statusOf = (globals: GlobalOptions): Promise<StatusView> => answerOf('/status', globals);

/** The daemon's lxcpath. @throws ClientError when it is not of this machine, or of another view of it. */
export const lxcPathOf = async (globals: GlobalOptions, purpose: string): Promise<string> => {
  const items = await answerOf<readonly ConfigItem[]>('/config2', globals);
  const itemOf = (key: string): ConfigItem | undefined => items.find((item) => item.key === key);
  const usr = itemOf('PV_SYSTEM_USRDIR');
  const isUsrSet = usr !== undefined && usr.modified !== 'default';
  const lxcPath = lxcPathIn(itemOf('PV_SYSTEM_RUNDIR')?.value ?? '', isUsrSet ? usr.value : undefined);
  if (existsSync(lxcPath)) return lxcPath;
  throw new ClientError(`there is no ${lxcPath} here: ${purpose} on the device itself, not from within a container`);
};

export const containersIn = ({ resources }: StatusView): readonly ResourceView[] =>
  resources.filter(({ kind }) => kind === 'container');

/** undefined: its init does not run. */
export const runOf = ({
  observed,
}: ResourceView): { readonly initPid: number; readonly startedAtMs: number } | undefined => {
  if (observed === null || !('phase' in observed) || observed.phase !== 'running') return undefined;
  const { initPid, startedAtMs } = observed.run;
  return initPid === undefined ? undefined : { initPid, startedAtMs };
};
