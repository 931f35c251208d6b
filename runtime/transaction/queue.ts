/**
 * Queues: changes that are collected in a directory, and applied to a state later.
 *
 * ```
 * <queue>/000__web.tgz/json      parts to add; their objects are in the object directory already, or in objects/ beside it
 * <queue>/001__web2.remove       a part to remove, `/` written as %2F
 * ```
 * They are applied in alphabetical order. Others may put entries there as well.
 */
import { basename } from 'node:path';
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import { isObjectId } from '../store/trails/revision.ts';
import { addParts, type Parts, removePart } from './merge.ts';
import { type Input, partsOf, readParts } from './parts.ts';
import { begin, NOTHING_BEGUN, type Transaction } from './transaction.ts';
import { EXIT, TransactionError } from './transaction-error.ts';
import type { TransactionRecord } from './transaction-record.ts';

const REMOVE = '.remove';
/** No entry begins with a dot. */
const UNFINISHED = '.new';
const MAX_ENTRIES = 1000;
/** Only for a directory that another program put there; the content is checked by its sum. */
const MAX_OBJECT_BYTES = Number.MAX_SAFE_INTEGER;

interface Places {
  /** Absolute. */
  readonly queue: string;
  readonly objects: string;
}

export const newQueue = async ({ files, workspace }: Transaction, { queue, objects }: Places): Promise<void> => {
  if ((await workspace.active()) !== undefined)
    throw new TransactionError(
      EXIT.wrongKind,
      'a transaction is already in progress: commit, deploy or abort it first',
    );
  await workspace.wipe();
  await files.makeDirectory(queue, 0o775);
  await files.makeDirectory(objects, 0o755);
  await workspace.setRecord({ status: 'set', objects, queue: { directory: queue, count: 0 } });
};

type Prepared = TransactionRecord & { readonly queue: NonNullable<TransactionRecord['queue']> };

const prepared = async ({ files, workspace }: Transaction): Promise<Prepared> => {
  const record = await workspace.record();
  const queue = record?.queue;
  if (record === undefined || queue === undefined || !['set', 'active'].includes(record.status))
    throw new TransactionError(EXIT.notBegun, 'there is no queue: make one with queue new');
  if ((await files.stat(queue.directory))?.type !== 'directory')
    throw new TransactionError(EXIT.notBegun, `the queue ${queue.directory} does not exist any more`);
  return { ...record, queue };
};

/** The entry is there before the number is used up: cut off between, the same entry is written again. */
const append = async (
  { workspace }: Transaction,
  record: Prepared,
  write: (path: string) => Promise<void>,
  name: string,
): Promise<void> => {
  const { directory, count } = record.queue;
  if (count >= MAX_ENTRIES) throw new TransactionError(EXIT.failed, `a queue has at most ${MAX_ENTRIES} entries`);
  await write(`${directory}/${String(count).padStart(3, '0')}__${name}`);
  await workspace.setRecord({ ...record, queue: { directory, count: count + 1 } });
};

/** `web/run.json` cannot be the name of a file. */
const fileName = (part: string): string => part.replaceAll('/', '%2F');

export const unpack = async (transaction: Transaction, input: Input): Promise<void> => {
  const { files, decompress } = transaction;
  const record = await prepared(transaction);
  const { isTarball, fragment } = await readParts(input, await transaction.storeOf(record), decompress);
  partsOf(fragment, input.name);
  const name = input.name === '-' ? 'package' : isTarball ? basename(input.name) : fileName(input.name);
  const write = async (path: string): Promise<void> => {
    // Whole or not at all: an entry without its document would stop the queue.
    const fresh = `${record.queue.directory}/${UNFINISHED}`;
    await files.remove(fresh);
    await files.makeDirectory(fresh, 0o775);
    await files.write(`${fresh}/json`, fragment, 0o644);
    await files.remove(path);
    await files.rename(fresh, path);
  };
  await append(transaction, record, write, name);
};

export const enqueueRemoval = async (transaction: Transaction, part: string): Promise<void> => {
  if (part === '')
    throw new TransactionError(EXIT.noPart, 'which part? Expected the beginning of its keys, such as web');
  const record = await prepared(transaction);
  const write = (path: string): Promise<void> => transaction.files.write(path, '', 0o644);
  await append(transaction, record, write, `${fileName(part)}${REMOVE}`);
};

/** @param options.base begins a transaction first. @param options.places makes a queue of these first. */
export const processQueue = async (
  transaction: Transaction,
  { base, places }: { readonly base?: string; readonly places?: Places },
): Promise<void> => {
  const { workspace, files } = transaction;
  if (places !== undefined) await newQueue(transaction, places);
  if (base !== undefined) await begin(transaction, base, undefined);
  if ((await workspace.active()) === undefined) throw new TransactionError(EXIT.nothingToRemoveFrom, NOTHING_BEGUN);
  const record = await prepared(transaction);
  let parts = await workspace.parts();
  for (const name of (await files.list(record.queue.directory)) ?? [])
    parts = await applied(transaction, record, parts, name);
  // Only the whole of it counts: cut off before, it is done again from the same state.
  await workspace.setParts(parts);
};

const applied = async (transaction: Transaction, record: Prepared, parts: Parts, name: string): Promise<Parts> => {
  const { files } = transaction;
  const path = `${record.queue.directory}/${name}`;
  if (name.endsWith(REMOVE)) {
    const part = name
      .slice(0, -REMOVE.length)
      .replace(/^\d{3}__/, '')
      .replaceAll('%2F', '/');
    return part === '' ? parts : removePart(parts, part);
  }
  if (name.startsWith('.') || (await files.stat(path))?.type !== 'directory') return parts;
  const fragment = await files.read(`${path}/json`, STATE_LIMITS.documentBytes);
  if (fragment === undefined) throw new TransactionError(EXIT.failed, `${path}/json: no state document there`);
  await takeObjects(transaction, record, `${path}/objects`);
  return addParts(parts, partsOf(fragment, `${path}/json`));
};

const takeObjects = async (transaction: Transaction, record: Prepared, directory: string): Promise<void> => {
  const { files } = transaction;
  const names = await files.list(directory);
  if (names === undefined) return;
  const store = await transaction.storeOf(record);
  for (const id of names.filter(isObjectId))
    await store.putObject(id, files.stream(`${directory}/${id}`), MAX_OBJECT_BYTES);
  await files.remove(directory);
};
