/**
 * The directory of a transaction: `current.json`, the state under construction, and `.status`, what is going on.
 *
 * Both are written whole or not at all. `.status` is what counts, and is the last to be written and the first to go:
 * whatever is cut off leaves either the transaction as it was, or none.
 */
import { resolve } from 'node:path';
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import type { Files } from '../host/host.ts';
import { type Parts, textOfParts } from './merge.ts';
import { partsOf } from './parts.ts';
import { EXIT, TransactionError } from './transaction-error.ts';
import { decodeRecord, encodeRecord, type TransactionRecord } from './transaction-record.ts';

/** Kept while the directory is wiped: whoever works here holds it. */
export const LOCK_FILE = '.pantavisor.lock';
const STATUS = '.status';
const DOCUMENT = 'current.json';
/** Of any size below, `.status` is told apart from a record of pvtx. */
const MAX_STATUS_BYTES = 1024 * 1024;
/** By one of these a directory is known for ours. */
const OWN = [STATUS, DOCUMENT, LOCK_FILE];

/**
 * A transaction wipes its directory: it must not be one with something else in it. To be asked before the directory is
 * locked, because a lock makes it ours. @throws TransactionError
 */
export const checkDirectory = async (files: Files, directory: string): Promise<void> => {
  const names = (await files.list(directory)) ?? [];
  if (names.length === 0 || names.some((name) => OWN.includes(name))) return;
  const found = names.slice(0, 3).join(', ');
  throw new TransactionError(
    EXIT.failed,
    `${directory} is not pvtx's, it holds ${found}: name an empty directory, or one that does not exist, with PVTXDIR`,
  );
};

export interface Workspace {
  /** undefined: nothing was ever begun here. */
  record(): Promise<TransactionRecord | undefined>;
  /** What is going on, if it is active. */
  active(): Promise<TransactionRecord | undefined>;
  setRecord(record: TransactionRecord): Promise<void>;
  /** The bytes of the document. @throws TransactionError when somebody took it away. */
  document(): Promise<Buffer>;
  parts(): Promise<Parts>;
  setDocument(document: Uint8Array): Promise<void>;
  setParts(parts: Parts): Promise<void>;
  /** Takes away what is in the directory. */
  wipe(): Promise<void>;
  abandon(): Promise<void>;
}

export const openWorkspace = (files: Files, directory: string): Workspace => {
  const [statusFile, documentFile] = [`${directory}/${STATUS}`, `${directory}/${DOCUMENT}`];

  const record = async (): Promise<TransactionRecord | undefined> => {
    const bytes = await files.read(statusFile, MAX_STATUS_BYTES);
    if (bytes === undefined) return undefined;
    const { objects, queue, ...found } = decodeRecord(bytes, statusFile);
    // C's are as they were given, and mean what they mean where the command is run.
    return {
      ...found,
      objects: objects === undefined ? undefined : resolve(objects),
      queue: queue && { ...queue, directory: resolve(queue.directory) },
    };
  };

  const document = async (): Promise<Buffer> => {
    const bytes = await files.read(documentFile, STATE_LIMITS.documentBytes);
    if (bytes !== undefined) return bytes;
    throw new TransactionError(EXIT.failed, `${documentFile} is missing: give the transaction up with abort`);
  };

  const setDocument = (bytes: Uint8Array): Promise<void> => files.write(documentFile, bytes, 0o600);

  return {
    record,
    active: async () => {
      const found = await record();
      return found?.status === 'active' ? found : undefined;
    },
    setRecord: async (next) => files.write(statusFile, encodeRecord(next), 0o600),
    document,
    parts: async () => partsOf(await document(), documentFile),
    setDocument,
    setParts: (parts) => setDocument(Buffer.from(textOfParts(parts))),
    wipe: async () => {
      await files.makeDirectory(directory, 0o755);
      await files.remove(statusFile);
      for (const name of (await files.list(directory)) ?? [])
        if (name !== LOCK_FILE) await files.remove(`${directory}/${name}`);
    },
    abandon: async () => {
      await files.remove(statusFile);
      await files.remove(documentFile);
    },
  };
};
