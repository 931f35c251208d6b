/**
 * Transactions: a new state made from one that exists, by adding and removing parts.
 *
 * In: commands, a directory that keeps the state under construction between them, tarballs and documents. Out: a revision
 * that is installed on the device (a remote transaction, whose objects go there as they come), or a directory with the
 * state checked out (a local one, `deploy`). Queues are lists of such changes that are applied later.
 *
 * Must never: change a character of a value, or leave a directory from which no command can go on.
 */
import type { Files } from '../host/host.ts';
import { generatedName } from './generated-name.ts';
import { loadBase } from './load-base.ts';
import { addParts, removePart } from './merge.ts';
import { objectDirectory } from './object-directory.ts';
import { type Decompress, type Input, partsOf, readParts, type Store } from './parts.ts';
import { EXIT, TransactionError } from './transaction-error.ts';
import type { TransactionRecord } from './transaction-record.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

/** The daemon, as far as a transaction needs it. All throw TransactionError for what it refuses. */
export interface Target extends Store {
  currentState(): Promise<Buffer>;
  putState(revision: string, document: Buffer): Promise<void>;
}

export interface TransactionOptions {
  readonly files: Files;
  /** Absolute. */
  readonly directory: string;
  readonly target: Target;
  readonly decompress: Decompress;
}

export interface Transaction extends TransactionOptions {
  readonly workspace: Workspace;
  /** Where the objects of this transaction go. */
  storeOf(record: TransactionRecord): Promise<Store>;
}

export const openTransaction = (options: TransactionOptions): Transaction => ({
  ...options,
  workspace: openWorkspace(options.files, options.directory),
  storeOf: async ({ objects }) => (objects === undefined ? options.target : objectDirectory(options.files, objects)),
});

export const NOTHING_BEGUN = 'no active transaction: begin one first';

/** @param objects absolute: a local transaction. undefined: a remote one, unless a queue that was prepared says otherwise. */
export const begin = async (transaction: Transaction, base: string, objects: string | undefined): Promise<void> => {
  const { workspace, files } = transaction;
  const before = await workspace.record();
  if (before?.status === 'active')
    throw new TransactionError(EXIT.failed, 'a transaction is already in progress: commit, deploy or abort it first');
  const prepared = before?.status === 'set' ? before : undefined;
  const document = await loadBase(transaction, base);
  partsOf(document, base);
  if (prepared === undefined) await workspace.wipe();
  const directory = objects ?? prepared?.objects;
  if (directory !== undefined) await files.makeDirectory(directory, 0o755);
  await workspace.setDocument(document);
  await workspace.setRecord({ status: 'active', objects: directory, queue: prepared?.queue });
};

const activeOr = async ({ workspace }: Transaction, exitCode: number): Promise<TransactionRecord> => {
  const record = await workspace.active();
  if (record === undefined) throw new TransactionError(exitCode, NOTHING_BEGUN);
  return record;
};

export const add = async (transaction: Transaction, input: Input): Promise<void> => {
  const { workspace, decompress } = transaction;
  const record = await activeOr(transaction, EXIT.notBegun);
  const current = await workspace.parts();
  const { fragment } = await readParts(input, await transaction.storeOf(record), decompress);
  await workspace.setParts(addParts(current, partsOf(fragment, input.name)));
};

export const remove = async (transaction: Transaction, part: string): Promise<void> => {
  const { workspace } = transaction;
  await activeOr(transaction, EXIT.nothingToRemoveFrom);
  if (part === '')
    throw new TransactionError(EXIT.noPart, 'which part? Expected the beginning of its keys, such as web');
  const current = await workspace.parts();
  const next = removePart(current, part);
  if (next.size !== current.size) await workspace.setParts(next);
};

export const show = async (transaction: Transaction): Promise<Buffer> => {
  await activeOr(transaction, EXIT.nothingToShow);
  return transaction.workspace.document();
};

/** Also of what cannot be read. Nothing begun is no error. */
export const abort = ({ workspace }: Transaction): Promise<void> => workspace.abandon();

/** Installs the state on the device, without running it. @returns the revision. */
export const commit = async (transaction: Transaction, name: string | undefined): Promise<string> => {
  const { workspace, target } = transaction;
  const record = await activeOr(transaction, EXIT.nothingToShow);
  if (record.objects !== undefined)
    throw new TransactionError(EXIT.wrongKind, `it is a local transaction (${record.objects}): deploy it`);
  if (name !== undefined && !name.startsWith('locals/'))
    throw new TransactionError(EXIT.failed, `${JSON.stringify(name)} is no name for it, expected locals/NAME`);
  const document = await workspace.document();
  const revision = name ?? generatedName(document);
  await target.putState(revision, document);
  await workspace.setRecord({ ...record, status: 'committed' });
  return revision;
};
