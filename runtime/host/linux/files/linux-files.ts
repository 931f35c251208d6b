/**
 * The file half of the port on a real file system.
 *
 * In: absolute paths, content. Out: content, facts, and files that are whole after a power cut. Reading, durable
 * writing, trees and watching have a file each; this one only puts them together.
 * Must never: follow a symlink that replaced the file to be written or removed, or leave a half-written file under
 * its final name.
 */
import type { Files } from '../../host.ts';
import { append } from './appending.ts';
import { makeDirectory } from './directories.ts';
import { inspect, list, listing, read, space, stat, stream } from './reading.ts';
import { removeTree } from './removal.ts';
import { copyTree } from './tree-copy.ts';
import { watchDirectory } from './watching.ts';
import { link, rename, symlink, write, writeStream } from './writing.ts';

export const linuxFiles: Files = {
  stat,
  read,
  inspect,
  stream,
  list,
  listing,
  makeDirectory,
  write,
  writeStream,
  append,
  rename,
  link,
  symlink,
  copyTree,
  remove: removeTree,
  space,
  watch: watchDirectory,
};
