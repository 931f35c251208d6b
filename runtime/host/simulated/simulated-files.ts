/** The Files port of the simulated device: calls go through the caller's gate, effects are in tree.ts. */
import { createHash } from 'node:crypto';
import type { FileStat, Files } from '../host.ts';
import type { Inode } from './inode.ts';
import * as tree from './inode-operations.ts';
import type { Kernel } from './kernel.ts';
import type { Place } from './namespace.ts';
import type { Call, Caller } from './simulated-daemon.ts';
import { refuse } from './simulated-error.ts';
import { watchPath } from './simulated-watch.ts';

const CHUNK_BYTES = 64 * 1024;
const LISTING_PART = 16;

export const simulatedFiles = (kernel: Kernel, caller: Caller): Files => {
  const { namespace, short } = kernel;
  const call = (name: keyof Files, subject: string): Call => ({ port: 'files', name, subject });
  const look = <T>(name: keyof Files, path: string, effect: () => T): Promise<T> =>
    caller.perform(call(name, path), effect);
  /** An effect answers whether it changed anything. */
  const change = (
    name: keyof Files,
    path: string,
    sentence: string,
    effect: () => boolean | undefined,
  ): Promise<void> =>
    caller.perform(call(name, path), () => {
      if (effect() !== false) caller.note(sentence);
    });

  return {
    stat: (path) => look('stat', path, () => statOf(namespace.find(path, false))),
    read: (path, maxBytes) =>
      look('read', path, () => {
        const file = tree.fileAt(namespace, path);
        if (file !== undefined && file.sizeBytes > maxBytes) refuse('EFBIG', `${file.sizeBytes} of ${maxBytes} bytes`);
        return file && tree.bytesOf(file);
      }),
    inspect: (path, maxBytes) =>
      look('inspect', path, () => {
        const file = tree.fileAt(namespace, path);
        if (file !== undefined && file.sizeBytes > maxBytes) refuse('EFBIG', `${file.sizeBytes} of ${maxBytes} bytes`);
        const stat = statOf(namespace.find(path));
        return file && stat && { content: tree.bytesOf(file), stat };
      }),
    stream: async function* (path) {
      const open = (): Buffer => tree.bytesOf(tree.fileAt(namespace, path) ?? refuse('ENOENT'));
      const content = await look('stream', path, open);
      const release = caller.hold();
      try {
        for (let at = 0; at < content.length; at += CHUNK_BYTES) yield content.subarray(at, at + CHUNK_BYTES);
      } finally {
        release();
      }
    },
    list: (path) => look('list', path, () => namesIn(namespace.find(path)?.node)),
    listing: async function* (path) {
      const names = (await look('listing', path, () => namesIn(namespace.find(path)?.node))) ?? [];
      const release = caller.hold();
      try {
        for (let at = 0; at < names.length; at += LISTING_PART) yield names.slice(at, at + LISTING_PART);
      } finally {
        release();
      }
    },
    makeDirectory: (path, mode) =>
      change('makeDirectory', path, `make directory ${short(path)}`, () => tree.makeDirectory(namespace, path, mode)),
    write: (path, content, mode) => {
      const bytes = Buffer.from(content); // a copy: what the caller does to its buffer later is not written
      return change('write', path, `write ${short(path)}`, () => void tree.writeFile(namespace, path, bytes, mode));
    },
    writeStream: async (path, content, { mode, maxBytes, accept }) => {
      const sentence = `write ${short(path)}`;
      const gathered = await gather(content, maxBytes).finally(caller.hold());
      const bytes = gathered ?? Buffer.alloc(0);
      const written = { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
      if (gathered !== undefined) accept?.(written);
      const effect = (): undefined => {
        if (gathered === undefined) return refuse('EFBIG', `more than ${maxBytes} bytes`);
        tree.writeFile(namespace, path, gathered, mode);
      };
      await change('writeStream', path, sentence, effect);
      return written;
    },
    append: (path, content, mode) => {
      const bytes = Buffer.from(content);
      return change('append', path, `append to ${short(path)}`, () => void tree.append(namespace, path, bytes, mode));
    },
    rename: (from, to) =>
      change('rename', to, `rename ${short(from)} to ${short(to)}`, () => void tree.rename(namespace, from, to)),
    link: (existing, path) =>
      change('link', path, `link ${short(existing)} as ${short(path)}`, () => tree.link(namespace, existing, path)),
    symlink: (target, path) =>
      change(
        'symlink',
        path,
        `symlink ${short(path)} to ${short(target)}`,
        () => void tree.makeSymlink(namespace, target, path),
      ),
    copyTree: (from, to) =>
      change('copyTree', to, `copy ${short(from)} to ${short(to)}`, () => void tree.copyTree(namespace, from, to)),
    remove: (path) => change('remove', path, `remove ${short(path)}`, () => tree.remove(namespace, path)),
    space: (path) => look('space', path, () => (namespace.find(path) ?? refuse('ENOENT')).mount.fileSystem.space),
    watch: (directory) => {
      const listen = (tell: (value: undefined) => void): (() => void) => watchPath(namespace, directory, tell);
      return caller.notifications({ port: 'files', name: 'watch' }, () => directory, listen);
    },
  };
};

const statOf = (place: Place | undefined): FileStat | undefined => {
  if (place === undefined) return undefined;
  const { mount, node } = place;
  const { mode, number: inode, modifiedMs, changedMs } = node;
  // Directories count themselves and their parent's entry, as most file systems do.
  const links = node.type === 'directory' ? 2 : node.links;
  const type = node.type === 'device' ? 'other' : node.type;
  const { device } = mount.fileSystem;
  return { type, sizeBytes: sizeOf(node), mode, device, inode, links, modifiedMs, changedMs, owner: 0 };
};

const sizeOf = (node: Inode): number => {
  if (node.type === 'file') return node.sizeBytes;
  return node.type === 'symlink' ? Buffer.byteLength(node.target) : 0;
};

const namesIn = (node: Inode | undefined): readonly string[] | undefined => {
  if (node === undefined) return undefined;
  return node.type === 'directory'
    ? [...node.entries.keys()].filter((name) => !tree.isTemporary(name)).sort()
    : refuse('ENOTDIR');
};

/** undefined: more than allowed. */
const gather = async (content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | undefined> => {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of content) {
    sizeBytes += part.length;
    if (sizeBytes > maxBytes) return undefined;
    parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts);
};
