/** Initial RAM disks: a cpio archive in the kernel's `newc` format (Documentation/driver-api/early-userspace/buffer-format.rst), the same bytes for the same files. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

interface Member {
  readonly name: string;
  readonly mode: number;
  readonly content: Buffer;
}

const TRAILER: Member = { name: 'TRAILER!!!', mode: 0, content: Buffer.alloc(0) };

const padded = (part: Buffer): Buffer => Buffer.concat([part, Buffer.alloc((4 - (part.length % 4)) % 4)]);

/** Owned by root, from 1970; every member has an inode of its own, because hard links are not needed. */
const encoded = ({ name, mode, content }: Member, inode: number): Buffer => {
  const path = Buffer.from(`${name}\0`);
  const numbers = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0];
  const header = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), path])), padded(content)]);
};

const memberOf = (root: string, name: string): Member => {
  const stat = lstatSync(join(root, name));
  if (stat.isSymbolicLink()) return { name, mode: 0o120777, content: Buffer.from(readlinkSync(join(root, name))) };
  if (stat.isDirectory()) return { name, mode: 0o040755, content: Buffer.alloc(0) };
  const mode = (stat.mode & 0o100) === 0 ? 0o100644 : 0o100755;
  return { name, mode, content: readFileSync(join(root, name)) };
};

/** Everything below `root`, in the order of names, so that directories come before what is in them. */
export const cpioOf = (root: string): Buffer => {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  const members = [...names.map((name) => memberOf(root, name)), TRAILER];
  return Buffer.concat(members.map((member, index) => encoded(member, index + 1)));
};
