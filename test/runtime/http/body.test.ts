import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { contentLength, forget } from '../../../runtime/http/body.ts';

const MIB = 1 << 20;

const request = () => {
  let isCut = false;
  const body = new PassThrough();
  const socket = { destroy: () => (isCut = true) };
  forget(Object.assign(body, { socket }) as unknown as IncomingMessage); // all that is asked of it
  const send = async (bytes: number): Promise<void> => {
    if (!body.write(Buffer.alloc(bytes))) await new Promise((resolve) => body.once('drain', resolve));
    await new Promise(setImmediate);
  };
  return { send, isCut: () => isCut, body };
};

describe('what is left of a body that was refused', () => {
  it('is read and thrown away, so that the next request is seen', async () => {
    const { send, isCut, body } = request();
    for (let count = 0; count < 4; count += 1) await send(MIB);
    expect(isCut()).toBe(false);
    const ended = new Promise((resolve) => body.once('end', resolve));
    body.end();
    await ended;
  });

  it('is cut off when the client goes on sending', async () => {
    const { send, isCut } = request();
    for (let count = 0; count < 4; count += 1) await send(MIB);
    await send(1);
    expect(isCut()).toBe(true);
  });
});

describe('the size of a body', () => {
  it.each([
    ['12', 12],
    ['0', 0],
    [undefined, undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['9'.repeat(16), undefined],
  ])('%s is %s', (text, expected) => {
    expect(contentLength({ headers: { 'content-length': text } } as IncomingMessage)).toBe(expected);
  });
});
