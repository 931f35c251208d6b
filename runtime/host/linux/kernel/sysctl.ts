/** Kernel settings by their configuration keys. */
import { constants } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { DeviceError } from '../../host.ts';
import { attempt } from '../files/file-errors.ts';

const ROOT = '/proc/sys';
const MAX_SEGMENTS = 16;
const SEGMENT = /^[A-Za-z0-9_:@+-][A-Za-z0-9_.:@+-]*$/;

const isDirectory = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // not there, which is an answer
  }
};

/** `PV_SYSCTL_NET_IPV4_IP_FORWARD`: an underscore is a slash where what precedes it is a directory. */
const byDirectories = async (words: readonly string[], root: string): Promise<string> => {
  let path = '';
  for (const word of words) {
    if (path === '') path = word;
    else path += (await isDirectory(`${root}/${path}`)) ? `/${word}` : `_${word}`;
  }
  return path;
};

/** Path below /proc/sys of a `sysctl.a.b` or `PV_SYSCTL_A_B` key. @throws DeviceError EINVAL: it names none. */
export const sysctlPath = async (key: string, root = ROOT): Promise<string> => {
  const dotted = /^sysctl\.(.+)$/i.exec(key)?.[1];
  const segments =
    dotted?.split('.') ??
    (await byDirectories(key.slice('PV_SYSCTL_'.length).toLowerCase().split('_'), root)).split('/');
  if (segments.length > MAX_SEGMENTS || !segments.every((segment) => SEGMENT.test(segment)))
    throw new DeviceError('sysctl', JSON.stringify(key.slice(0, 80)), 'EINVAL', 'names no kernel setting');
  return segments.join('/');
};

/** Settings that hold a program for the kernel to run as root. */
const PROGRAMS = /^(kernel\/(core_pattern|modprobe|hotplug|poweroff_cmd)|fs\/binfmt_misc\/.*)$/;

export const namesProgram = (path: string): boolean => PROGRAMS.test(path);

/** Never makes a file. @throws DeviceError */
export const writeSysctl = (path: string, value: string, root = ROOT): Promise<void> =>
  attempt('sysctl', path, async () => {
    const file = await open(`${root}/${path}`, constants.O_WRONLY);
    try {
      await file.write(value);
    } finally {
      await file.close();
    }
  });

/** What it is now. @throws DeviceError */
export const readSysctl = (path: string, root = ROOT): Promise<string> =>
  attempt('sysctl', path, async () => (await readFile(`${root}/${path}`, 'utf8')).replace(/\n$/, ''));
