/** Includes of LXC files: made absolute, and held to the revision that the file belongs to. Never expanded. */
import type { Line } from './lxc-line.ts';

const joinPath = (directory: string, relative: string): string => {
  const path: string[] = [];
  for (const part of `${directory}/${relative}`.split('/')) {
    if (part === '..') path.pop();
    else if (part !== '' && part !== '.') path.push(part);
  }
  return `/${path.join('/')}`;
};

/** LXC resolves a relative include against the working directory, which Pantavisor makes the container's. */
export const alterInclude = (value: string, directory: string): string =>
  value.startsWith('/') ? value : joinPath(directory, value);

export const escapingInclude = (lines: readonly Line[], directory: string): string | undefined => {
  const revision = joinPath(directory, '..');
  const escaping = lines.find(
    ({ key, value }) =>
      key === 'lxc.include' &&
      value !== '' &&
      !value.startsWith('/') &&
      !joinPath(directory, value).startsWith(`${revision}/`),
  );
  return (
    escaping && `lxc.include = ${escaping.value} leaves the revision, expected a path inside it or an absolute one`
  );
};
