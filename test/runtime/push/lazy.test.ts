/** A daemon that is not pushed to pays nothing for it: no memory, and no time at its start. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const runtime = resolve(import.meta.dirname, '../../../runtime');
const sources = readdirSync(runtime, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(runtime, file), 'utf8') }));

/** What is loaded with a file: types are not. */
const loadedWith = ({ file, text }: { readonly file: string; readonly text: string }): readonly string[] =>
  [...text.matchAll(/^(?:import|export) (?!type\b)[^;]*? from '(\.[^']+)';/gms)].map(([, path = '']) =>
    relative(runtime, resolve(runtime, file, '..', path)),
  );

const isOfPushing = (file: string): boolean => file.startsWith('push/') || file === 'store/partial-uploads.ts';

it('is loaded by nobody else', () => {
  const loading = sources
    .filter(({ file }) => !isOfPushing(file))
    .flatMap((source) =>
      loadedWith(source)
        .filter(isOfPushing)
        .map((path) => `${source.file} loads ${path}`),
    );
  expect(loading).toEqual([]);
});

/** Everything that is loaded with a file, directly or not. */
const closureOf = (start: string): ReadonlySet<string> => {
  const found = new Set([start]);
  for (const file of found) {
    const source = sources.find((each) => each.file === file);
    if (source !== undefined) for (const next of loadedWith(source)) found.add(next);
  }
  return found;
};

it('nor is TLS loaded at a start: only pushing and a remote source need it', () => {
  const loaded = closureOf('platform/daemon.ts');
  expect(loaded.size).toBeGreaterThan(200);
  const naming = sources.filter(({ file, text }) => loaded.has(file) && /from 'node:(https|tls)'/.test(text));
  expect(naming.map(({ file }) => file)).toEqual([]);
});
