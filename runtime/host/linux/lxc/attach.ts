/**
 * A process inside a container, in the foreground: its cgroups, all its namespaces, its limits of capabilities, and a
 * terminal of its own when we have one. lxc-attach does that for every layout of cgroups (measured: v1, hybrid, v2).
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { DeviceError } from '../../host.ts';
import { hasCode, isAbsence } from '../files/file-errors.ts';
import { containerOfPid } from '../peer/peer.ts';
import { accountIn, environmentOf, passwdOf } from './guest-facts.ts';

export interface Attachment {
  readonly lxcPath: string;
  readonly name: string;
  readonly initPid: number;
  /** Name or number of a user of the container. */
  readonly user: string;
  readonly command:
    | { readonly type: 'login' }
    /** Given to the user's shell, as ssh does. */
    | { readonly type: 'shell'; readonly text: string }
    /** As it is. */
    | { readonly type: 'program'; readonly words: readonly string[] };
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Signals that are meant for the command, not for us: it decides, and we tell how it ended. */
const PASSED_ON = ['SIGTERM', 'SIGHUP'] as const;
const IGNORED = ['SIGINT', 'SIGQUIT'] as const;

const gone = (name: string, cause: unknown): DeviceError =>
  new DeviceError('container.attach', name, 'ESRCH', 'it has just ended', { cause });

const wordsFor = ({ command }: Attachment, shell: string): readonly string[] => {
  switch (command.type) {
    case 'login':
      return [shell, '-l'];
    case 'shell':
      return [shell, '-c', command.text];
    case 'program':
      return command.words;
    default:
      return command satisfies never;
  }
};

/** A pid that was told a moment ago may be somebody else's by now, whose environment is not for this container. */
const checkInit = ({ initPid, lxcPath, name }: Attachment): void => {
  const found = containerOfPid(initPid, lxcPath);
  if (found === 'host' || (found !== undefined && found.container !== name)) throw gone(name, undefined);
};

const argumentsFor = async (attachment: Attachment): Promise<readonly string[]> => {
  const { lxcPath, name, initPid, user } = attachment;
  const account = accountIn(await passwdOf(initPid), user);
  if (account === undefined) throw new DeviceError('container.attach', name, 'NO_USER', `it has no user ${user}`);
  const own = { USER: account.name, LOGNAME: account.name, HOME: account.home, SHELL: account.shell };
  // Not by lxc-attach's own environment: LD_PRELOAD and its like are the container's word, and it runs on the host.
  const variables = [
    ...(await environmentOf(initPid)),
    ...Object.entries(own).map(([key, value]) => `${key}=${value}`),
    ...(process.env['TERM'] ? [`TERM=${process.env['TERM']}`] : []),
  ].flatMap((variable) => ['-v', variable]);
  const identity = account.uid === 0 ? [] : ['-u', String(account.uid), '-g', String(account.gid)];
  const place = ['-P', lxcPath, '-n', name, '--clear-env', ...identity, ...variables];
  return [...place, '--', ...wordsFor(attachment, account.shell)];
};

/** Resolves to the exit status as shells count it: 128 + n for signal n. @throws DeviceError */
export const attach = async (attachment: Attachment): Promise<number> => {
  let words: readonly string[];
  try {
    words = await argumentsFor(attachment);
    checkInit(attachment);
  } catch (error) {
    throw isAbsence(error) || hasCode(error, 'ESRCH') ? gone(attachment.name, error) : error;
  }
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn('lxc-attach', [...words], { stdio: 'inherit', env: { PATH, LC_ALL: 'C' } });
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  for (const signal of IGNORED) process.on(signal, () => undefined);
  child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  child.once('error', (cause: NodeJS.ErrnoException) =>
    reject(new DeviceError('lxc-attach', attachment.name, cause.code ?? 'EIO', 'is LXC installed?', { cause })),
  );
  return promise;
};
