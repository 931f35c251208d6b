/** Configuration files: small, text, and nothing that would hold the start up, whatever stands at their path. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { TextFile } from '../../config/config.ts';

const MAX_BYTES = 64 * 1024;

/** @throws Error of the system. */
const readAtMost = (fd: number, maxBytes: number): Buffer => {
  const content = Buffer.alloc(maxBytes);
  let length = 0;
  for (;;) {
    const read = readSync(fd, content, length, maxBytes - length, null);
    length += read;
    if (read === 0 || length === maxBytes) return content.subarray(0, length);
  }
};

/** One that is too large or holds a NUL counts as a whole or not at all: half of a policy may be worse than none. */
export const readTextFile = (path: string, maxBytes = MAX_BYTES): TextFile => {
  let fd: number | undefined;
  try {
    // O_NONBLOCK: a FIFO would be waited for until somebody writes to it.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return { problem: `${path} is no file` };
    const content = readAtMost(fd, maxBytes + 1);
    if (content.length > maxBytes) return { problem: `${path} is larger than ${maxBytes} bytes` };
    if (content.includes(0)) return { problem: `${path} is not text` };
    return { text: content.toString() };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return { problem: `${path} cannot be read: ${error.message}` };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
};
