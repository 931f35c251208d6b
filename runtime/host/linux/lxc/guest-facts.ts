/**
 * What a process that is put into a container has to know of it: the environment of its init, and where its users are
 * at home. All of it is the container's word: read with limits, never resolved as a path of ours.
 */
import { constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hasCode } from '../files/file-errors.ts';
import { findParent, peek, reopen } from '../logs/walk-beneath.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

const MAX_BYTES = 256 * 1024;
/** Of fallbear-cmd, for a user whom the container does not know. */
const DEFAULTS = { home: '/tmp1', shell: '/bin/sh' };

const NUMBER = /^\d{1,9}$/;

/** The user in the text of a passwd(5) file. A number needs no entry. undefined: nobody of that name. */
export const accountIn = (passwd: string, user: string): Account | undefined => {
  const lines = passwd.split('\n').map((line) => line.split(':'));
  const [name = '', , uid = '', gid = '', , home = '', shell = ''] =
    lines.find(([found, , number]) => found === user || (NUMBER.test(user) && number === user)) ?? [];
  if (NUMBER.test(uid) && NUMBER.test(gid))
    return { name, uid: Number(uid), gid: Number(gid), home: home || DEFAULTS.home, shell: shell || DEFAULTS.shell };
  if (user === 'root') return { name: user, uid: 0, gid: 0, ...DEFAULTS };
  return NUMBER.test(user) ? { name: user, uid: Number(user), gid: Number(user), ...DEFAULTS } : undefined;
};

/** `etc/passwd` below a directory; empty: there is none that could be read. */
export const passwdBelow = async (root: string): Promise<string> => {
  try {
    const { directory, name } = await findParent(root, 'etc/passwd');
    await using _ = directory;
    await using peeked = await peek(directory, name);
    if (!(await peeked.stat()).isFile()) return '';
    await using file = await reopen(peeked, constants.O_RDONLY);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return '';
    throw error;
  }
};

export const passwdOf = (initPid: number): Promise<string> => passwdBelow(`/proc/${initPid}/root`);

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*=/;
/** They say where init found its programs. */
const ITS_OWN = ['PATH', 'LD_LIBRARY_PATH'];

/** The environment in the text of /proc/<pid>/environ, `NAME=value` each. */
export const environmentIn = (environ: string): readonly string[] =>
  environ.split('\0').filter((line) => VARIABLE.test(line) && !ITS_OWN.includes(line.slice(0, line.indexOf('='))));

export const environmentOf = async (initPid: number): Promise<readonly string[]> =>
  environmentIn((await readFile(`/proc/${initPid}/environ`, 'utf8')).slice(0, MAX_BYTES));
