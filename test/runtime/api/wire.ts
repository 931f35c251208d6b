/** Raw HTTP over a socket: what was sent and what came back, byte for byte. */
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends text, optionally closes our half as `nc -N` does, and reads until the other side closes. Empty: it closed without a word. */
export const exchange = (path: string, text: string, options: { readonly halfClose?: boolean } = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('end', () => {
      socket.destroy();
      resolve(answer);
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      ['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? resolve(answer) : reject(error),
    );
    if (options.halfClose === true) socket.end(text);
    else socket.write(text);
  });

export const parsed = (text: string): Answer => {
  const at = text.indexOf('\r\n\r\n');
  return { status: Number(text.slice(9, 12)), head: text.slice(0, at), body: text.slice(at + 4) };
};

/** A request as curl sends it, over a connection of its own. */
export const ask = async (path: string, method: string, url: string, body?: string): Promise<Answer> => {
  const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const head = `${method} ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${length}\r\n`;
  return parsed(await exchange(path, head + (body ?? '')));
};
