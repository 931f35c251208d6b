/** `pvcontrol enter` and `pvcontrol exec`: a shell or a program inside a container. */
import type { Attachment } from '../../host/linux/lxc/attach.ts';
import { ClientError } from './client.ts';
import { checkedName } from './control-commands.ts';
import { containersIn, lxcPathOf, runOf, statusOf } from './on-host.ts';
import type { GlobalOptions } from './question.ts';

export interface EnterOptions {
  /** Default: PVUSER, else root. */
  readonly user?: string;
}

/** @throws ClientError when it is not there, or does not run. */
const initPidOf = async (name: string, globals: GlobalOptions): Promise<number> => {
  const containers = containersIn(await statusOf(globals));
  const found = containers.find((container) => container.name === name);
  const names = containers.map((container) => container.name).join(', ') || 'none';
  if (found === undefined) throw new ClientError(`no container found: ${name}. There are: ${names}`);
  const run = runOf(found);
  if (run === undefined) throw new ClientError(`${name} does not run, it is ${found.state}: nothing to enter`);
  return run.initPid;
};

/** Ends as the command ends. */
const attachTo = async (
  name: string,
  command: Attachment['command'],
  { user = process.env['PVUSER'] || 'root' }: EnterOptions,
  globals: GlobalOptions,
): Promise<void> => {
  const initPid = await initPidOf(checkedName('container', name), globals);
  const lxcPath = await lxcPathOf(globals, 'containers can be entered');
  const { attach } = await import('../../host/linux/lxc/attach.ts');
  process.exitCode = await attach({ lxcPath, name, initPid, user, command });
};

/** Without words a login shell; words are what one would type into it. */
export const enter = (name: string, words: readonly string[], options: EnterOptions, globals: GlobalOptions) =>
  attachTo(name, words.length === 0 ? { type: 'login' } : { type: 'shell', text: words.join(' ') }, options, globals);

export const exec = (name: string, words: readonly string[], options: EnterOptions, globals: GlobalOptions) =>
  attachTo(name, { type: 'program', words }, options, globals);
