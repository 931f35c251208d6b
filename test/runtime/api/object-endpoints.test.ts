import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { objectEndpoints } from '../../../runtime/api/object-endpoints.ts';
import { DeviceError, type Files } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { openUploads } from '../../../runtime/store/objects/uploads.ts';
import type { Store } from '../../../runtime/store/store.ts';
import { type TestDevice, testDevice } from '../store/device.ts';
import { type Served, serve } from './serve.ts';
import { exchange, parsed } from './wire.ts';

const shaOf = (content: string): string => createHash('sha256').update(content).digest('hex');
const CONTENT = 'hsqs and so on';
const SHA = shaOf(CONTENT);
const OK = { status: 200, body: '' };
const error = (status: number, message: string) => ({ status, body: JSON.stringify({ Error: message }) });

let disk: TestDevice;
let store: Store;
let served: Served;
let files: Files;

const open = async (changes: Partial<Files> = {}): Promise<void> => {
  files = { ...linuxFiles, ...changes };
  store = await disk.reopen(files);
  const directory = `${disk.paths.storage}/objects`;
  const uploads = openUploads({ store, files, clock: disk.clock, directory, keptSeconds: () => 600 });
  served = await serve(objectEndpoints(uploads, (problem, doing) => disk.problems.push(`${doing}: ${problem}`)));
};
const reopen = async (changes: Partial<Files>): Promise<void> => {
  await served.stop();
  await open(changes);
};
const inStore = (): readonly string[] => readdirSync(`${disk.paths.storage}/objects`);
const put = (sha: string, content: string) => served.ask('PUT', `/objects/${sha}`, content);
/** A disk with so much room beyond the reserve of 5 %. */
const roomFor = (bytes: number): Partial<Files> => ({
  space: async () => ({ totalBytes: 1_000_000, freeBytes: 50_000 + bytes }),
});

beforeEach(async () => {
  disk = await testDevice();
  await open();
});
afterEach(async () => {
  await served.stop();
  await disk.remove();
});

describe('PUT /objects/{sha}', () => {
  it('stores what has that sha256', async () => {
    expect(await put(SHA, CONTENT)).toMatchObject(OK);
    expect(readFileSync(`${disk.paths.storage}/objects/${SHA}`, 'utf8')).toBe(CONTENT);
  });

  it('takes a chunked body', async () => {
    const head = `PUT /objects/${SHA} HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunks = [...CONTENT].map((letter) => `1\r\n${letter}\r\n`).join('');
    expect(parsed(await exchange(served.path, `${head}${chunks}0\r\n\r\n`))).toMatchObject(OK);
    expect(inStore()).toEqual([SHA]);
  });

  it('accepts again what is there already, whatever is sent, and does not write it', async () => {
    await put(SHA, CONTENT);
    await reopen({ writeStream: () => Promise.reject(new Error('written again')) });
    expect(await put(SHA, CONTENT)).toMatchObject(OK);
    expect(await put(SHA, '')).toMatchObject(OK);
    expect(await put(SHA, 'something else')).toMatchObject(OK);
  });

  it('replaces what is there and is corrupt', async () => {
    writeFileSync(`${disk.paths.storage}/objects/${SHA}`, 'rubbish');
    expect(await put(SHA, CONTENT)).toMatchObject(OK);
    expect(readFileSync(`${disk.paths.storage}/objects/${SHA}`, 'utf8')).toBe(CONTENT);
  });

  it.each([
    ['other content', 'x'],
    ['part of it', CONTENT.slice(1)],
    ['nothing', ''],
  ])('refuses %s and keeps none of it', async (_name, content) => {
    expect(await put(SHA, content)).toMatchObject(error(422, 'Object has bad checksum'));
    expect(inStore()).toEqual([]);
  });

  it.each([
    ['short', SHA.slice(1)],
    ['long', `${SHA}0`],
    ['in capitals', SHA.toUpperCase()],
    ['of a file', '.reserve'],
  ])('refuses a name that is %s', async (_name, sha) => {
    expect(await put(sha, CONTENT)).toMatchObject(error(400, 'Request has bad object name'));
    expect(inStore()).toEqual([]);
  });

  it('refuses what has no room before anything is written, and takes what just fits', async () => {
    const writeStream: Files['writeStream'] = () => Promise.reject(new Error('written'));
    await reopen({
      ...roomFor(CONTENT.length - 1),
      writeStream: async (_path, content) => {
        for await (const _ of content); // asks for room before it takes anything
        return writeStream('', content, { mode: 0, maxBytes: 0 });
      },
    });
    expect(await put(SHA, CONTENT)).toMatchObject(error(507, 'Not enough disk space available'));
    expect(inStore()).toEqual([]);
    await reopen(roomFor(CONTENT.length));
    expect(await put(SHA, CONTENT)).toMatchObject(OK);
  });

  it('refuses what turns out to have no room', async () => {
    await reopen(roomFor(3));
    const head = `PUT /objects/${SHA} HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = parsed(await exchange(served.path, `${head}2\r\nhs\r\n4\r\nqs a\r\n8\r\nnd so on\r\n0\r\n\r\n`));
    expect(answer).toMatchObject(error(507, 'Not enough disk space available'));
    expect(inStore()).toEqual([]);
  });

  it('asks for no room for what is there already', async () => {
    await put(SHA, CONTENT);
    await reopen(roomFor(0));
    expect(await put(SHA, CONTENT)).toMatchObject(OK);
  });

  it.each([
    ['ENOSPC', 507, 'Not enough disk space available'],
    ['EIO', 500, 'Upload error'],
  ])('answers when the disk says %s', async (code, status, message) => {
    await reopen({ writeStream: (path) => Promise.reject(new DeviceError('write', path, code)) });
    expect(await put(SHA, CONTENT)).toMatchObject(error(status, message));
  });

  it('takes the same object from several at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => put(SHA, CONTENT)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(inStore()).toEqual([SHA]);
  });

  it('leaves nothing of an upload that breaks off, and reports no error of ours', async () => {
    await new Promise<void>((resolve) => {
      const client = connect(served.path, () => {
        client.write(`PUT /objects/${SHA} HTTP/1.1\r\nContent-Length: ${CONTENT.length}\r\n\r\n${CONTENT.slice(0, 5)}`);
        setImmediate(() => client.destroy());
      });
      client.on('close', () => resolve());
    });
    await expect.poll(inStore).toEqual([]);
    expect(await put(SHA, CONTENT)).toMatchObject(OK);
    expect(served.device.log).toEqual([]);
  });

  it('keeps the connection usable after a refusal', async () => {
    const first = `PUT /objects/${SHA} HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc`;
    const second = `PUT /objects/${SHA} HTTP/1.1\r\nConnection: close\r\nContent-Length: ${CONTENT.length}\r\n\r\n${CONTENT}`;
    const answers = await exchange(served.path, first + second);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 422', 'HTTP/1.1 200']);
  });

  it('takes megabytes whole', async () => {
    const content = 'x'.repeat(9_000_000);
    expect(await put(shaOf(content), content)).toMatchObject(OK);
    expect((await served.ask('GET', '/objects')).body).toBe(`[{"sha256":"${shaOf(content)}","size":"9000000"}]`);
  });
});

describe('what was uploaded', () => {
  it('is no garbage for ten minutes, and then it is', async () => {
    await put(SHA, CONTENT);
    disk.clock.advance(599_000);
    expect(await store.collect()).toBe(0);
    disk.clock.advance(1_000);
    expect(await store.collect()).toBe(CONTENT.length);
    expect(inStore()).toEqual([]);
  });

  it('is kept as long again when it is uploaded again, by one timer', async () => {
    await put(SHA, CONTENT);
    disk.clock.advance(599_000);
    await put(SHA, CONTENT);
    expect(disk.clock.pending()).toBe(1);
    disk.clock.advance(599_000);
    expect(await store.collect()).toBe(0);
  });

  it('is not kept when it was refused', async () => {
    await put(SHA, 'x');
    expect(disk.clock.pending()).toBe(0);
  });
});

describe('GET /objects', () => {
  it('is empty at first', async () => {
    expect(await served.ask('GET', '/objects')).toMatchObject({ status: 200, body: '[]' });
  });

  it('lists objects with their size as text, and nothing else that lies there', async () => {
    await put(SHA, CONTENT);
    writeFileSync(`${disk.paths.storage}/objects/readme`, '');
    writeFileSync(`${disk.paths.storage}/objects/.corrupt-${SHA}`, '');
    expect((await served.ask('GET', '/objects')).body).toBe(`[{"sha256":"${SHA}","size":"${CONTENT.length}"}]`);
  });

  it('says when it cannot tell', async () => {
    await reopen({
      // biome-ignore lint/correctness/useYield: it fails before it has anything
      listing: async function* (path) {
        throw new DeviceError('list', path, 'EIO');
      },
    });
    expect(await served.ask('GET', '/objects')).toMatchObject(error(500, "couldn't get device objects"));
  });
});

describe('GET /objects/{sha}', () => {
  const get = (sha: string, version = '1.1') =>
    exchange(served.path, `GET /objects/${sha} HTTP/${version}\r\nConnection: close\r\n\r\n`);

  it('streams it in chunks', async () => {
    await put(SHA, CONTENT);
    const { status, head, body } = parsed(await get(SHA));
    expect(status).toBe(200);
    expect(head.toLowerCase()).toContain('content-type: application/octet-stream');
    expect(head.toLowerCase()).toContain('transfer-encoding: chunked');
    expect(body).toBe(`${CONTENT.length.toString(16)}\r\n${CONTENT}\r\n0\r\n\r\n`);
  });

  it('sends it plain to HTTP/1.0', async () => {
    await put(SHA, CONTENT);
    expect(parsed(await get(SHA, '1.0')).body).toBe(CONTENT);
  });

  it.each([
    ['that is missing', SHA],
    ['with a bad name', 'abc'],
  ])('refuses one %s', async (_name, sha) => {
    expect(parsed(await get(sha))).toMatchObject(error(400, 'Request has bad object name'));
  });

  it('cuts the connection when it cannot be read to its end', async () => {
    await put(SHA, CONTENT);
    await reopen({
      stream: async function* (path) {
        yield Buffer.from('hsqs');
        throw new DeviceError('read', path, 'EIO');
      },
    });
    const answer = await get(SHA);
    expect(answer).toContain('hsqs');
    expect(answer).not.toMatch(/0\r\n\r\n$/);
    expect(disk.problems).toEqual([expect.stringContaining('EIO')]);
  });
});

it.each(['/objects', `/objects/${SHA}`])('%s is for managers only', async (url) => {
  served.device.caller = { container: 'web' };
  expect(await served.ask('GET', url)).toMatchObject({ status: 403 });
});
