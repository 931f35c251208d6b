// What HTTP costs in Node at all: answers everything with the same text. `node plain-server.mjs SOCKET BYTES`; ends with its input.
import { createServer } from 'node:http';

const [socket, bytes] = process.argv.slice(2);
const text = 'x'.repeat(Number(bytes));
const server = createServer((_, answer) => answer.end(text)).listen(socket, () => console.log('ready'));
process.stdin.resume().on('end', () => server.close());
