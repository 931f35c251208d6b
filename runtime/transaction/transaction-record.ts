/**
 * `.status` of a transaction directory: what C's pvtx writes there, so that either program can go on with what the other
 * one began. Pure.
 *
 * ```
 * i32 status, i32 is_local, char[4096] object directory [, char[4096] queue directory, i32 count, i32 error]
 * ```
 * Little-endian, as all machines that Pantavisor runs on. The second part is there once a queue was prepared.
 */
import { EXIT, TransactionError } from './transaction-error.ts';

/** In C's order. set: a queue is prepared. */
const STATUSES = ['error', 'set', 'active', 'aborted', 'committed', 'deployed'] as const;
export type TransactionStatus = (typeof STATUSES)[number];

export interface TransactionRecord {
  readonly status: TransactionStatus;
  /** Where objects go; undefined: to the daemon, as they come. */
  readonly objects: string | undefined;
  readonly queue: { readonly directory: string; readonly count: number } | undefined;
}

const PATH_BYTES = 4096;
const PLAIN_BYTES = 8 + PATH_BYTES;
const QUEUE_BYTES = PLAIN_BYTES + PATH_BYTES + 8;

const putPath = (record: Buffer, path: string, offset: number): void => {
  if (Buffer.byteLength(path) >= PATH_BYTES)
    throw new TransactionError(EXIT.failed, `a path of at most ${PATH_BYTES - 1} bytes was expected, but saw ${path}`);
  record.write(path, offset);
};

const pathAt = (record: Buffer, offset: number): string => {
  const field = record.subarray(offset, offset + PATH_BYTES);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? PATH_BYTES : end).toString('utf8');
};

export const encodeRecord = ({ status, objects, queue }: TransactionRecord): Buffer => {
  const record = Buffer.alloc(queue === undefined ? PLAIN_BYTES : QUEUE_BYTES);
  record.writeInt32LE(STATUSES.indexOf(status), 0);
  record.writeInt32LE(objects === undefined ? 0 : 1, 4);
  putPath(record, objects ?? '', 8);
  if (queue !== undefined) {
    putPath(record, queue.directory, PLAIN_BYTES);
    record.writeInt32LE(queue.count, PLAIN_BYTES + PATH_BYTES);
  }
  return record;
};

/** @throws TransactionError for what no pvtx writes, naming the file. */
export const decodeRecord = (record: Buffer, file: string): TransactionRecord => {
  if (record.length !== PLAIN_BYTES && record.length !== QUEUE_BYTES)
    throw unreadable(file, `${record.length} bytes long, not ${PLAIN_BYTES} or ${QUEUE_BYTES}`);
  const [number, local] = [record.readInt32LE(0), record.readInt32LE(4)];
  const status = STATUSES[number];
  if (status === undefined || (local !== 0 && local !== 1)) throw unreadable(file, `status ${number}, local ${local}`);
  const queueDirectory = record.length === QUEUE_BYTES ? pathAt(record, PLAIN_BYTES) : '';
  const count = queueDirectory === '' ? 0 : record.readInt32LE(PLAIN_BYTES + PATH_BYTES);
  return {
    status,
    objects: local === 1 ? pathAt(record, 8) : undefined,
    queue: queueDirectory === '' ? undefined : { directory: queueDirectory, count },
  };
};

const unreadable = (file: string, found: string): TransactionError =>
  new TransactionError(
    EXIT.failed,
    `${file} is ${found}: no transaction of pvtx. Throw it away with abort, or name another directory with PVTXDIR`,
  );
