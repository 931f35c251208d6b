/** The port of log files: appending, rotating, and never following what others put there. */
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Files } from '../../../runtime/host/host.ts';
import type { LogFile, LogFiles } from '../../../runtime/host/log-files.ts';

export interface LogFilesDevice {
  readonly logs: LogFiles;
  readonly files: Files;
  /** Absolute: of the tree of logs, which is empty. Beside it there is nothing. */
  readonly root: string;
}

const MAX = 1 << 20;

export const logFilesContract = (name: string, make: () => Promise<LogFilesDevice>): void => {
  const using = async (path: string, work: (file: LogFile) => Promise<unknown>, { logs }: LogFilesDevice) => {
    const file = await logs.open(path);
    await work(file);
    await file.close();
    return file;
  };
  const append = (device: LogFilesDevice, path: string, ...texts: readonly string[]): Promise<LogFile> =>
    using(path, (file) => file.append(texts.map((text) => Buffer.from(text))), device);
  const read = async ({ files, root }: LogFilesDevice, path: string): Promise<string | undefined> =>
    (await files.read(`${root}/${path}`, MAX))?.toString();

  describe(`log files on ${name}`, () => {
    it('makes a file with its directories and adds to its end', async () => {
      const device = await make();
      await append(device, '0/web/var/log/messages', 'one\n', 'two\n');
      const again = await append(device, '0/web/var/log/messages', 'three\n');
      expect(await read(device, '0/web/var/log/messages')).toBe('one\ntwo\nthree\n');
      expect(again.sizeBytes).toBe(8);
      expect(await device.files.stat(`${device.root}/0/web/var/log/messages`)).toMatchObject({ mode: 0o644 });
      expect(await device.files.stat(`${device.root}/0/web/var`)).toMatchObject({ mode: 0o755, type: 'directory' });
    });

    it('says how large a file has become, cuts it, and knows one file from another', async () => {
      const device = await make();
      const file = await device.logs.open('0/a');
      expect(await file.append([Buffer.from('12345')])).toBe(5);
      await file.truncate(2);
      expect(await file.append([Buffer.from('x')])).toBe(3);
      await file.sync();
      await file.close();
      expect(await read(device, '0/a')).toBe('12x');
      expect(await device.logs.identity('0/a')).toEqual({ identity: file.identity, sizeBytes: 3 });
      expect((await append(device, '0/b', 'b')).identity).not.toBe(file.identity);
      expect(await device.logs.identity('0/c')).toBeUndefined();
    });

    it('notices that a file has lost its name', async () => {
      const device = await make();
      const file = await device.logs.open('0/a');
      expect(await file.isNamed()).toBe(true);
      await device.files.remove(`${device.root}/0`);
      expect(await file.isNamed()).toBe(false);
      await file.close();
    });

    it('lists every file with its size', async () => {
      const device = await make();
      await append(device, '0/web/lxc/console.log', 'four');
      await append(device, 'locals/x/pv.log', 'seven77');
      const found = [...(await device.logs.list())].sort((left, right) => (left.path < right.path ? -1 : 1));
      expect(found).toEqual([
        { path: '0/web/lxc/console.log', sizeBytes: 4 },
        { path: 'locals/x/pv.log', sizeBytes: 7 },
      ]);
    });

    it('makes an archive of a file, which is gone then', async () => {
      const device = await make();
      await append(device, '0/a', 'line\n'.repeat(1000));
      await device.logs.rename('0/a', '0/.a.1.rotating');
      const size = await device.logs.compress('0/.a.1.rotating', '0/a.1.gz');
      expect(await device.logs.list()).toEqual([{ path: '0/a.1.gz', sizeBytes: size }]);
      const archive = (await device.files.read(`${device.root}/0/a.1.gz`, MAX)) ?? Buffer.alloc(0);
      expect(gunzipSync(archive).toString()).toBe('line\n'.repeat(1000));
    });

    it('removes a file, and again without complaint', async () => {
      const device = await make();
      await append(device, '0/a', 'x');
      await device.logs.remove('0/a');
      await device.logs.remove('0/a');
      await device.logs.remove('1/none/of/it');
      expect(await device.logs.list()).toEqual([]);
    });

    it('refuses paths that lead out, and a log in the place of a directory or below another log', async () => {
      const device = await make();
      await append(device, '0/web/a', 'x');
      await expect(device.logs.open('0/web/a/b')).rejects.toMatchObject({ code: 'ENOTDIR' });
      await expect(device.logs.open('0/web')).rejects.toMatchObject({ code: 'EISDIR' });
      expect(await read(device, '0/web/a')).toBe('x');
    });

    it('takes a symlink away that stands in the place of a file or directory, and leaves alone what it leads to', async () => {
      const device = await make();
      const { files, root, logs } = device;
      await files.makeDirectory(`${root}-outside`, 0o755);
      await files.write(`${root}-outside/secret.1.gz`, 'precious', 0o600);
      await files.makeDirectory(`${root}/0/web`, 0o755);
      await files.symlink(`${root}-outside/secret.1.gz`, `${root}/0/web/messages`);
      await files.symlink(`${root}-outside`, `${root}/0/web/lxc`);
      expect(await logs.list()).toEqual([]);
      await logs.remove('0/web/lxc/secret.1.gz');
      await append(device, '0/web/messages', 'a line\n');
      await append(device, '0/web/lxc/console.log', 'a line\n');
      expect(await read(device, '0/web/messages')).toBe('a line\n');
      expect(await files.list(`${root}-outside`)).toEqual(['secret.1.gz']);
      expect((await files.read(`${root}-outside/secret.1.gz`, MAX))?.toString()).toBe('precious');
      expect(await files.stat(`${root}/0/web/lxc`)).toMatchObject({ type: 'directory' });
    });

    it('does not write to a second name of some other file', async () => {
      const device = await make();
      const { files, root } = device;
      await files.write(`${root}-other`, 'precious', 0o600);
      await files.makeDirectory(`${root}/0`, 0o755);
      await files.link(`${root}-other`, `${root}/0/a`);
      expect(await device.logs.identity('0/a')).toBeUndefined();
      await append(device, '0/a', 'a line\n');
      expect((await files.read(`${root}-other`, MAX))?.toString()).toBe('precious');
      expect(await read(device, '0/a')).toBe('a line\n');
    });

    it('knows how much room there is', async () => {
      const { logs } = await make();
      const { totalBytes, freeBytes } = await logs.room();
      expect(freeBytes).toBeGreaterThan(0);
      expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
    });
  });
};
