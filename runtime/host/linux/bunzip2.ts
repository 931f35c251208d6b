/** bzip2, by the system's own program: hardly anybody uses it, so we bring none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { DeviceError } from '../host.ts';

const MAX_MESSAGE = 300;

/** What `content` unpacks to. @throws DeviceError when it is damaged, or there is no bzip2 here. */
export async function* bunzip2(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const child = spawn('bzip2', ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const closed = once(child, 'close'); // rejects when it cannot be started
  closed.catch(() => undefined); // awaited below
  let message = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    message = (message + text).slice(0, MAX_MESSAGE);
  });
  const feeding = pipeline(content, child.stdin);
  feeding.catch(() => undefined); // an end that comes early has its reason in the exit status, or in `content`
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>; // no encoding is set
    const [code] = await closed.catch((cause: NodeJS.ErrnoException) => {
      throw new DeviceError('bunzip2', 'the archive', cause.code ?? 'EIO', notThere, { cause });
    });
    if (code === 0) return await feeding;
    throw new DeviceError('bunzip2', 'the archive', 'BZIP2', message.trim() || `exit status ${code}`);
  } finally {
    child.kill('SIGKILL');
  }
}

const notThere = 'bzip2 cannot be run here: install it, or pack with gzip';
