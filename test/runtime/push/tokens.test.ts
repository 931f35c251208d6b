import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileStat, Files } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { loadTokens, parseToken, tokenFor } from '../../../runtime/push/tokens.ts';
import { sha256 } from '../../../runtime/store/objects/hash.ts';

const SECRET = 'q7Jm4ZkT0s9Xb2Lw8Rf6Vd1Ny5Hc3Ga-';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pvtest-tokens-'));
});
afterEach(() => rm(directory, { recursive: true }));

const put = async (name: string, text: string, mode = 0o600): Promise<void> => {
  await writeFile(join(directory, name), text);
  await chmod(join(directory, name), mode);
};
/** Files that belong to somebody, whoever runs the tests. */
const ownedBy = (ownerOf: (path: string) => number): Files => {
  const owned = (stat: FileStat, path: string): FileStat => ({ ...stat, owner: ownerOf(path) });
  return {
    ...linuxFiles,
    stat: async (path) => {
      const stat = await linuxFiles.stat(path);
      return stat && owned(stat, path);
    },
    inspect: async (path, maxBytes) => {
      const seen = await linuxFiles.inspect(path, maxBytes);
      return seen && { ...seen, stat: owned(seen.stat, path) };
    },
  };
};
const load = (ownerOf: (path: string) => number = () => 0) => loadTokens(ownedBy(ownerOf), directory);

describe('a token file', () => {
  it('gives a name, scopes and a secret, or the sum of one', async () => {
    await put('ci', `scopes=read, push\ntoken=${SECRET}\n`);
    await put('fleet', `# of the operators\nsha256=${sha256(SECRET.toLowerCase())}\nscopes=control read push`);
    await put('.hidden', 'anything');
    const { tokens, problems } = await load();
    expect(problems).toEqual([]);
    expect(tokens.map(({ name, scopes }) => [name, [...scopes]])).toEqual([
      ['ci', ['read', 'push']],
      ['fleet', ['control', 'read', 'push']],
    ]);
    expect(tokenFor(SECRET, tokens)?.name).toBe('ci');
    expect(tokenFor(SECRET.toLowerCase(), tokens)?.name).toBe('fleet');
    expect(tokenFor(`${SECRET}x`, tokens)).toBeUndefined();
    expect(tokenFor('', tokens)).toBeUndefined();
  });

  it('may be a link to a sound file', async () => {
    await mkdir(join(directory, '.data'));
    await put('.data/ci', `scopes=read\ntoken=${SECRET}`);
    await symlink('.data/ci', join(directory, 'ci'));
    expect((await load()).tokens).toHaveLength(1);
  });

  it.each([
    [0o640, /ci has the mode 0640, which lets others than root use it: chmod 600 .*ci/],
    [0o604, /mode 0604/],
    [0o620, /mode 0620/],
  ])('of mode %o is none', async (mode, problem) => {
    await put('ci', `scopes=read\ntoken=${SECRET}`, mode);
    const { tokens, problems } = await load();
    expect(tokens).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });

  it('of somebody else is none', async () => {
    await put('ci', `scopes=read\ntoken=${SECRET}`);
    const { tokens, problems } = await load((path) => (path.endsWith('ci') ? 1000 : 0));
    expect(tokens).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/belongs to the user 1000, expected root: chown root/)]);
  });

  it('leaves the others as they are', async () => {
    await put('bad', 'scopes=read');
    await put('good', `scopes=read\ntoken=${SECRET}`);
    await put('too large', 'x'.repeat(5000));
    const { tokens, problems } = await load();
    expect(tokens.map(({ name }) => name)).toEqual(['good']);
    expect(problems).toEqual([
      expect.stringContaining('/bad: expected either token=… or sha256=…'),
      expect.stringContaining('too large: expected a name'),
    ]);
  });

  it.each([
    ['no scopes', `token=${SECRET}`, 'expected scopes= with some of read, push, control'],
    ['an unknown scope', `scopes=read root\ntoken=${SECRET}`, 'but saw "root"'],
    ['a secret that can be guessed', 'scopes=read\ntoken=secret', 'expected token= with at least 32'],
    ['a secret that no header can carry', `scopes=read\ntoken=${'ä'.repeat(40)}`, 'expected token= with at least 32'],
    ['a sum that is none', 'scopes=read\nsha256=1234', 'expected sha256= with 64 hex digits'],
    ['both', `scopes=read\ntoken=${SECRET}\nsha256=${sha256('x')}`, 'expected either token=… or sha256=…'],
  ])('with %s is none, and its secret is not told', (_, text, problem) => {
    const token = parseToken('ci', text);
    expect(token).toContain(problem);
    expect(token).not.toContain('secret');
  });
});

describe('the directory of tokens', () => {
  it.each([
    [0o777, /to which others than root may write: chmod 700/],
    [0o720, /to which others than root may write/],
  ])('of mode %o holds none', async (mode, problem) => {
    await put('ci', `scopes=read\ntoken=${SECRET}`);
    await chmod(directory, mode);
    expect(await load()).toEqual({ tokens: [], problems: [expect.stringMatching(problem)] });
  });

  it('of somebody else holds none', async () => {
    expect((await load(() => 7)).problems).toEqual([expect.stringMatching(/belongs to the user 7/)]);
  });

  it('that is missing, or no directory, is told', async () => {
    await put('file', '');
    const at = (path: string) =>
      loadTokens(
        ownedBy(() => 0),
        path,
      );
    expect((await at(`${directory}/none`)).problems).toEqual([
      expect.stringMatching(/there is no such directory: mkdir -m 700/),
    ]);
    expect((await at(`${directory}/file`)).problems).toEqual([expect.stringMatching(/a file, expected a directory/)]);
  });

  it('with too many says so', async () => {
    for (let number = 0; number < 65; number += 1)
      await put(`t${number}`, `scopes=read\nsha256=${sha256(`${number}`)}`);
    const { tokens, problems } = await load();
    expect(tokens).toHaveLength(64);
    expect(problems).toEqual([expect.stringContaining('expected at most 64 tokens, but saw 65')]);
  });
});
