/** What clients do to the control socket who mean harm, or are broken. Each is over after some seconds whatever happens. */
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LASTS_MS = 2_000;
const MB = 1_000_000;
const KEEP = 'Host: localhost\r\n\r\n';

/** A connection; whatever becomes of it is no error. */
const open = (path: string): Socket =>
  connect({ path, allowHalfOpen: true })
    .on('error', () => {})
    .resume();

const crowd = (count: number, path: string): readonly Socket[] => Array.from({ length: count }, () => open(path));
const leave = (sockets: readonly Socket[]): void => {
  for (const socket of sockets) socket.destroy();
};

/** Each of them the same, for as long as an attack lasts. */
const together = async (path: string, count: number, act: (socket: Socket, index: number) => void): Promise<void> => {
  const sockets = crowd(count, path);
  sockets.forEach(act);
  await sleep(LASTS_MS);
  leave(sockets);
};

/** Writes as fast as it is read, at most so much. */
const flood = (socket: Socket, piece: Buffer, totalBytes: number): void => {
  let left = totalBytes;
  const more = (): void => {
    while (left > 0 && socket.writable) {
      left -= piece.length;
      if (!socket.write(piece)) break;
    }
  };
  socket.on('drain', more);
  more();
};

const put = (path: string, rest: string): string => `PUT ${path} HTTP/1.1\r\nHost: localhost\r\n${rest}\r\n`;

const WRONG_LENGTHS = [
  put('/user-meta/a', 'Content-Length: -1\r\n'),
  put('/user-meta/a', 'Content-Length: 99999999999999999999\r\n'),
  `${put('/user-meta/a', 'Content-Length: 3\r\nContent-Length: 4\r\n')}abcd`,
  `${put('/user-meta/a', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n')}3\r\nabc\r\n0\r\n\r\n`,
  put('/user-meta/a', 'Content-Length: 0x10\r\n'),
  `${put('/user-meta/a', 'Content-Length: 1\r\n')}abcdef`,
];

const BAD_CHUNKS = [
  'zz\r\nabc\r\n',
  '-1\r\n',
  'ffffffffffffffff\r\n',
  '3\r\nabcdef\r\n',
  `1;${'x'.repeat(20_000)}\r\n`,
  '3\nabc',
];

/** Every socket of a run directory, also those for containers. */
const socketsIn = (run: string): readonly string[] =>
  [run, join(run, 'nobody')].flatMap((directory) =>
    readdirSync(directory)
      .map((name) => join(directory, name))
      .filter((path) => statSync(path).isSocket()),
  );

/** Connects and is gone, so often. */
const knock = async (path: string, count: number): Promise<void> => {
  const atOnce = 500;
  for (let done = 0; done < count; done += atOnce) {
    const sockets = crowd(atOnce, path);
    await sleep(1);
    leave(sockets);
  }
};

type Attack = (run: string) => Promise<void>;
const at = (run: string): string => join(run, 'pv-ctrl');

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'slow loris': (run) =>
    together(at(run), 500, (socket) => {
      const timer = setInterval(() => socket.write('X'), 20);
      socket.write('GET /containers HTTP/1.1\r\n');
      socket.once('close', () => clearInterval(timer));
    }),
  'half requests': (run) =>
    together(at(run), 500, (socket, index) => {
      const text = `${put('/objects/a', 'Content-Length: 100\r\n')}half`;
      socket.write(text.slice(0, 1 + (index % text.length)));
      if (index % 2 === 0) socket.end();
    }),
  '10 000 connections at once': (run) => together(at(run), 10_000, () => {}),
  '10 000 connections that go at once': (run) => knock(at(run), 10_000),
  'giant headers': (run) =>
    together(at(run), 50, (socket) => {
      socket.write('GET /containers HTTP/1.1\r\nX: ');
      flood(socket, Buffer.alloc(64 * 1024, 'x'), 20 * MB);
    }),
  'giant bodies': (run) =>
    together(at(run), 60, (socket, index) => {
      const path = ['/steps/locals/x', '/user-meta/a', '/containers/c', `/objects/${'0'.repeat(64)}`][index % 4] ?? '';
      socket.write(put(path, 'Content-Length: 900000000000\r\n'));
      flood(socket, Buffer.alloc(64 * 1024, ' '), 50 * MB);
    }),
  'documents that stop before their end': (run) =>
    together(at(run), 60, (socket, index) => {
      socket.write(put(`/steps/locals/x${index}`, `Content-Length: ${8 * MB}\r\n`));
      flood(socket, Buffer.alloc(64 * 1024, ' '), 7.9 * MB);
    }),
  'wrong lengths': (run) =>
    together(at(run), 300, (socket, index) => void socket.write(WRONG_LENGTHS[index % WRONG_LENGTHS.length] ?? '')),
  'bad chunks': (run) =>
    together(at(run), 300, (socket, index) => {
      socket.write(put('/steps/locals/x', 'Transfer-Encoding: chunked\r\n'));
      socket.write(BAD_CHUNKS[index % BAD_CHUNKS.length] ?? '');
    }),
  'pipelining without reading': (run) =>
    together(at(run), 20, (socket) => {
      socket.pause();
      flood(socket, Buffer.from(`GET /status HTTP/1.1\r\n${KEEP}`.repeat(1000)), 5 * MB);
    }),
  'watchers who do not read': (run) =>
    together(at(run), 60, (socket) => {
      socket.pause();
      socket.write(`GET /status/watch HTTP/1.1\r\n${KEEP}`);
    }),
  'binary garbage on every socket': async (run) => {
    for (const path of socketsIn(run))
      await together(path, 50, (socket) => flood(socket, randomBytes(64 * 1024), 4 * MB));
  },
};
