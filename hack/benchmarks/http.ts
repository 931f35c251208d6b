/** One request on a unix socket, each on a new connection, as cheap as a client with an event loop can be made. */
import { connect } from 'node:net';

/** Resolves to the answer, head and body. @throws Error when nobody listens or the answer is no 200. */
export const request = (socket: string, method: string, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const connection = connect(socket, () => {
      connection.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    });
    connection.on('data', (chunk) => chunks.push(chunk));
    connection.once('error', reject);
    connection.once('close', () => {
      const answer = Buffer.concat(chunks).toString();
      if (answer.startsWith('HTTP/1.1 200')) resolve(answer);
      else reject(new Error(`${method} ${path}: ${answer.split('\r\n')[0] || 'no answer'}`));
    });
  });

export const get = (socket: string, path: string): Promise<string> => request(socket, 'GET', path);
