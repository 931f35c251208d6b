/** Files: absence as a value, whole or nothing, names and links. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Files } from '../../../runtime/host/host.ts';
import type { Device } from './contract-device.ts';

const MAX = 1024;

async function* chunks(...parts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

const text = async (files: Files, path: string): Promise<string | undefined> =>
  (await files.read(path, MAX))?.toString();

export const filesContract = (device: Device): void => {
  const open = (): { files: Files; root: string } => ({ files: device().host.files, root: device().root });

  describe('files: reading', () => {
    it('answers absence with a value', async () => {
      const { files, root } = open();
      const missing = `${root}/none/at/all`;
      expect(await files.stat(missing)).toBeUndefined();
      expect(await files.read(missing, MAX)).toBeUndefined();
      expect(await files.list(missing)).toBeUndefined();
      await expect(files.remove(missing)).resolves.toBeUndefined();
    });

    it('refuses to read more than it was allowed to', async () => {
      const { files, root } = open();
      await files.write(`${root}/big`, 'x'.repeat(11), 0o600);
      await expect(files.read(`${root}/big`, 10)).rejects.toMatchObject({ code: 'EFBIG' });
      expect((await files.read(`${root}/big`, 11))?.length).toBe(11);
    });

    it('reads a file together with who may read it, also by another name', async () => {
      const { files, root } = open();
      await files.write(`${root}/secret`, 'hush', 0o600);
      await files.symlink('secret', `${root}/link`);
      const seen = await files.inspect(`${root}/link`, MAX);
      expect(seen?.content.toString()).toBe('hush');
      expect(seen?.stat).toMatchObject({ type: 'file', mode: 0o600, sizeBytes: 4 });
      expect(seen?.stat.owner).toBe((await files.stat(root))?.owner);
      expect(await files.inspect(`${root}/none`, MAX)).toBeUndefined();
      await expect(files.inspect(`${root}/secret`, 3)).rejects.toMatchObject({ code: 'EFBIG' });
    });

    it('streams a file, and throws when there is none', async () => {
      const { files, root } = open();
      await files.write(`${root}/file`, 'some content', 0o600);
      const parts: Uint8Array[] = [];
      for await (const part of files.stream(`${root}/file`)) parts.push(part);
      expect(Buffer.concat(parts).toString()).toBe('some content');
      const drain = async (): Promise<void> => {
        for await (const _ of files.stream(`${root}/missing`)) expect.unreachable();
      };
      await expect(drain()).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('lists the names of a directory in order, without the temporary files of writes', async () => {
      const { files, root } = open();
      for (const name of ['b', 'a', '.c']) await files.write(`${root}/${name}`, name, 0o644);
      await files.makeDirectory(`${root}/d`, 0o755);
      expect(await files.list(root)).toEqual(['.c', 'a', 'b', 'd']);
    });

    it('tells what a path is without following a final symlink', async () => {
      const { files, root } = open();
      await files.write(`${root}/file`, '12345', 0o640);
      await files.symlink('file', `${root}/link`);
      expect(await files.stat(`${root}/file`)).toMatchObject({ type: 'file', sizeBytes: 5, mode: 0o640, links: 1 });
      expect(await files.stat(`${root}/link`)).toMatchObject({ type: 'symlink' });
      expect(await files.stat(root)).toMatchObject({ type: 'directory' });
      expect(await text(files, `${root}/link`)).toBe('12345');
    });

    it('knows how much room there is', async () => {
      const { files, root } = open();
      const { totalBytes, freeBytes } = await files.space(root);
      expect(freeBytes).toBeGreaterThan(0);
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    });
  });

  describe('files: writing', () => {
    it('makes a directory with its parents, and again without complaint', async () => {
      const { files, root } = open();
      await files.makeDirectory(`${root}/a/b/c`, 0o700);
      await files.write(`${root}/a/b/c/kept`, 'kept', 0o600);
      await files.makeDirectory(`${root}/a/b/c`, 0o700);
      expect(await files.stat(`${root}/a/b/c`)).toMatchObject({ type: 'directory', mode: 0o700 });
      expect(await files.list(`${root}/a/b/c`)).toEqual(['kept']);
    });

    it('replaces content and mode, and leaves nothing else beside it', async () => {
      const { files, root } = open();
      await files.write(`${root}/file`, 'old', 0o600);
      await files.write(`${root}/file`, Buffer.from('new'), 0o644);
      expect(await text(files, `${root}/file`)).toBe('new');
      expect(await files.stat(`${root}/file`)).toMatchObject({ mode: 0o644, sizeBytes: 3 });
      expect(await files.list(root)).toEqual(['file']);
    });

    it('replaces a file by another one: readers of a hard link keep the old content', async () => {
      const { files, root } = open();
      await files.write(`${root}/file`, 'old', 0o600);
      await files.link(`${root}/file`, `${root}/same`);
      await files.write(`${root}/file`, 'new', 0o600);
      expect(await text(files, `${root}/same`)).toBe('old');
    });

    it('asks before a streamed file gets its name, and leaves nothing when the answer is no', async () => {
      const { files, root } = open();
      const seen: unknown[] = [];
      const accept = (written: unknown): void => {
        seen.push(written);
        throw new Error('not what was asked for');
      };
      const content = (async function* () {
        yield Buffer.from('abc');
      })();
      const writing = files.writeStream(`${root}/x`, content, { mode: 0o644, maxBytes: 10, accept });
      await expect(writing).rejects.toThrow('not what was asked for');
      expect(seen).toEqual([
        { sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', sizeBytes: 3 },
      ]);
      expect(await files.list(root)).not.toContain('x');
    });

    it('lists a large directory in parts, and a missing one as nothing', async () => {
      const { files, root } = open();
      const names = Array.from({ length: 300 }, (_, index) => `file-${index}`);
      await files.makeDirectory(`${root}/many`, 0o755);
      for (const name of names) await files.write(`${root}/many/${name}`, '', 0o644);
      const found: string[] = [];
      let parts = 0;
      for await (const part of files.listing(`${root}/many`)) {
        found.push(...part);
        parts += 1;
      }
      expect(found.sort()).toEqual([...names].sort());
      expect(parts).toBeGreaterThan(1);
      for await (const part of files.listing(`${root}/none`)) expect(part).toBe('nothing');
    });

    it('tells by changedMs that a file got another name', async () => {
      const { files, root } = open();
      await files.write(`${root}/one`, 'x', 0o644);
      const before = await files.stat(`${root}/one`);
      await files.link(`${root}/one`, `${root}/two`);
      const after = await files.stat(`${root}/one`);
      expect(after?.modifiedMs).toBe(before?.modifiedMs);
      expect(after?.changedMs).toBeGreaterThanOrEqual(before?.changedMs ?? Number.POSITIVE_INFINITY);
    });

    it('adds to the end of a file, which is made when it is missing and stays the same file', async () => {
      const { files, root } = open();
      await files.append(`${root}/log`, 'one\n', 0o640);
      expect(await files.stat(`${root}/log`)).toMatchObject({ mode: 0o640, sizeBytes: 4 });
      await files.link(`${root}/log`, `${root}/same`);
      await files.append(`${root}/log`, Buffer.from('two\n'), 0o600);
      expect(await text(files, `${root}/same`)).toBe('one\ntwo\n');
      expect(await files.stat(`${root}/log`)).toMatchObject({ mode: 0o640 });
      expect(await files.list(root)).toEqual(['log', 'same']);
    });

    it.each([
      ['a directory', 'EISDIR', (files: Files, path: string) => files.makeDirectory(path, 0o755)],
      ['a symlink', 'ELOOP', (files: Files, path: string) => files.symlink('victim', path)],
    ])('does not add to %s', async (_, code, make) => {
      const { files, root } = open();
      await files.write(`${root}/victim`, 'untouched', 0o600);
      await make(files, `${root}/log`);
      await expect(files.append(`${root}/log`, 'x', 0o600)).rejects.toMatchObject({ code });
      await expect(files.append(`${root}/none/log`, 'x', 0o600)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await text(files, `${root}/victim`)).toBe('untouched');
    });

    it('replaces a symlink, not what it points to', async () => {
      const { files, root } = open();
      await files.write(`${root}/victim`, 'untouched', 0o600);
      await files.symlink('victim', `${root}/file`);
      await files.write(`${root}/file`, 'new', 0o600);
      expect(await text(files, `${root}/victim`)).toBe('untouched');
      expect(await files.stat(`${root}/file`)).toMatchObject({ type: 'file' });
    });

    it('wants the parent of what it writes to exist', async () => {
      const { files, root } = open();
      await expect(files.write(`${root}/none/file`, '', 0o600)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('writes a stream and answers with its hash and size', async () => {
      const { files, root } = open();
      const written = await files.writeStream(`${root}/file`, chunks('some ', 'content'), {
        mode: 0o644,
        maxBytes: MAX,
      });
      const sha256 = createHash('sha256').update('some content').digest('hex');
      expect(written).toEqual({ sha256, sizeBytes: 12 });
      expect(await text(files, `${root}/file`)).toBe('some content');
      expect(await files.stat(`${root}/file`)).toMatchObject({ mode: 0o644 });
    });

    it.each([
      ['is too large', chunks('12345', '67890', 'x'), { code: 'EFBIG' }],
      ['breaks off', broken(), { message: 'connection lost' }],
    ])('leaves what was there when a stream %s', async (_, content, error) => {
      const { files, root } = open();
      await files.write(`${root}/file`, 'old', 0o600);
      await expect(files.writeStream(`${root}/file`, content, { mode: 0o600, maxBytes: 10 })).rejects.toMatchObject(
        error,
      );
      expect(await text(files, `${root}/file`)).toBe('old');
      expect(await files.list(root)).toEqual(['file']);
    });
  });

  describe('files: names', () => {
    it('renames over an existing file', async () => {
      const { files, root } = open();
      await files.write(`${root}/from`, 'from', 0o600);
      await files.write(`${root}/to`, 'to', 0o600);
      await files.rename(`${root}/from`, `${root}/to`);
      expect(await text(files, `${root}/to`)).toBe('from');
      expect(await files.list(root)).toEqual(['to']);
      await expect(files.rename(`${root}/from`, `${root}/to`)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('links replace what is in the way, and linking again changes nothing', async () => {
      const { files, root } = open();
      await files.write(`${root}/object`, 'object', 0o600);
      await files.write(`${root}/trail`, 'in the way', 0o600);
      await files.link(`${root}/object`, `${root}/trail`);
      await files.link(`${root}/object`, `${root}/trail`);
      const object = await files.stat(`${root}/object`);
      expect(object).toMatchObject({ links: 2 });
      expect(await files.stat(`${root}/trail`)).toEqual(object);
      expect(await files.list(root)).toEqual(['object', 'trail']);
    });

    it('copies where a link is impossible: to another file system', async () => {
      const { files, root } = open();
      await files.write(`${root}/object`, 'object', 0o640);
      await files.makeDirectory(`${root}/other`, 0o755);
      await device().host.mounts.mountTmpfs({ target: `${root}/other` });
      await files.link(`${root}/object`, `${root}/other/copy`);
      expect(await text(files, `${root}/other/copy`)).toBe('object');
      expect(await files.stat(`${root}/other/copy`)).toMatchObject({ links: 1, mode: 0o640 });
      await expect(files.rename(`${root}/object`, `${root}/other/moved`)).rejects.toMatchObject({ code: 'EXDEV' });
    });

    it('refuses to link what is not there', async () => {
      const { files, root } = open();
      await expect(files.link(`${root}/none`, `${root}/link`)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('points a symlink elsewhere', async () => {
      const { files, root } = open();
      for (const name of ['one', 'two']) await files.write(`${root}/${name}`, name, 0o600);
      await files.symlink('one', `${root}/current`);
      await files.symlink(`${root}/two`, `${root}/current`);
      expect(await text(files, `${root}/current`)).toBe('two');
      expect(await files.list(root)).toEqual(['current', 'one', 'two']);
    });
  });
};

async function* broken(): AsyncIterable<Uint8Array> {
  yield Buffer.from('12');
  throw new Error('connection lost');
}
