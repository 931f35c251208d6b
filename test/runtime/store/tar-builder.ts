/** Archives built byte by byte, so that they can be wrong in ways no library would write. */
import { gzipSync } from 'node:zlib';

export interface RawEntry {
  readonly name: string;
  /** tar's type flag; default `0`, a regular file. */
  readonly flag?: string;
  readonly content?: string | Uint8Array;
  /** What the header claims; default: the length of the content. */
  readonly size?: number;
  readonly link?: string;
}

const BLOCK = 512;

const header = ({ name, flag = '0', content = '', size, link = '' }: RawEntry): Buffer => {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100, 'utf8');
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${(size ?? Buffer.from(content).length).toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write(flag, 156);
  block.write(link, 157, 100, 'utf8');
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
};

const padded = (content: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
};

export const rawTar = (...entries: readonly RawEntry[]): Buffer =>
  Buffer.concat([...entries.flatMap((entry) => [header(entry), padded(entry.content ?? '')]), Buffer.alloc(2 * BLOCK)]);

export const gzipped = (tar: Uint8Array): Buffer => gzipSync(tar);
