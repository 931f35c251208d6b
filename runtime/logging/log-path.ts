/**
 * Where in the tree of logs a record goes: `<platform>/<source>` below a revision, and one file
 * for everything of Pantavisor itself. And the names of what rotation makes of a file: `<file>.<N>.gz`, and
 * `.<file>.<N>.rotating` until that is whole.
 *
 * Sources are names that containers choose. Whatever one writes, the path stays below its platform, no component is
 * longer than a file system takes with the suffixes of rotation, and none passes for a file that rotation made.
 */
import type { LogRecord } from './log-record.ts';

export const PANTAVISOR_LOG = 'pantavisor/pantavisor.log';
export const SINGLE_FILE = 'pv.log';

/** 255, and room for `.` and `.<N>.rotating`. */
const MAX_COMPONENT_BYTES = 200;
const MAX_DEPTH = 12;

const ARCHIVE = /^(.+)\.(\d{1,9})\.gz$/s;
const ROTATING = /^\.(.+)\.(\d{1,9})\.rotating$/s;

const cut = (name: string): string => {
  const bytes = Buffer.from(name);
  return bytes.length <= MAX_COMPONENT_BYTES
    ? name
    : bytes
        .subarray(0, MAX_COMPONENT_BYTES)
        .toString('latin1')
        .replace(/[^ -~]/g, '_');
};

const componentOf = (name: string): string => {
  const plain = cut(name.replace(/[\p{Cc}/]/gu, '_'));
  if (plain === '' || plain === '.' || plain === '..') return '_';
  return plain.startsWith('.') || ARCHIVE.test(plain) ? `_${plain}_` : plain;
};

const componentsOf = (source: string): string => {
  const names = source.split('/').filter((name) => name !== '');
  const [head, rest] = [names.slice(0, MAX_DEPTH - 1), names.slice(MAX_DEPTH - 1)];
  return [...head, ...(rest.length === 0 ? [] : [rest.join('_')])].map(componentOf).join('/') || '_';
};

/** Below the directory of the revision. */
export const pathOf = (record: Pick<LogRecord, 'platform' | 'source' | 'isOwn'>): string =>
  record.isOwn ? PANTAVISOR_LOG : `${componentOf(record.platform)}/${componentsOf(record.source)}`;

/** For what comes from more sources than a platform may have files. */
export const othersOf = ({ platform }: Pick<LogRecord, 'platform'>): string => `${componentOf(platform)}/others.log`;

/** What rotation made: of which file, the how-manieth. */
export interface Rotated {
  readonly path: string;
  readonly of: string;
  readonly number: number;
}

const split = (path: string): readonly [directory: string, name: string] => {
  const at = path.lastIndexOf('/') + 1;
  return [path.slice(0, at), path.slice(at)];
};

const rotatedBy = (pattern: RegExp, path: string): Rotated | undefined => {
  const [directory, name] = split(path);
  const match = pattern.exec(name);
  return match === null ? undefined : { path, of: `${directory}${match[1]}`, number: Number(match[2]) };
};

export const archiveAt = (path: string): Rotated | undefined => rotatedBy(ARCHIVE, path);
export const rotatingAt = (path: string): Rotated | undefined => rotatedBy(ROTATING, path);

export const archiveOf = (path: string, number: number): string => `${path}.${number}.gz`;

export const rotatingOf = (path: string, number: number): string => {
  const [directory, name] = split(path);
  return `${directory}.${name}.${number}.rotating`;
};

/** Left by an archive that was never finished. */
export const isUnfinished = (path: string): boolean => /^\..+\.pvtmp$/s.test(split(path)[1]);
