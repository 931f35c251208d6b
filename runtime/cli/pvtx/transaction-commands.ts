/** What the commands of a transaction do: from words to the transaction and back. */
import { resolve } from 'node:path';
import { deploy as deployTransaction } from '../../transaction/deploy.ts';
import * as queues from '../../transaction/queue.ts';
import * as transactions from '../../transaction/transaction.ts';
import { EXIT, TransactionError } from '../../transaction/transaction-error.ts';
import type { GlobalOptions } from '../pvcontrol/question.ts';
import { inputOf, perform } from './session.ts';

/** @throws TransactionError when an argument is missing. */
const given = (value: string | undefined, what: string, exitCode: number = EXIT.notBegun): string => {
  if (value) return value;
  throw new TransactionError(exitCode, `${what} is missing, see --help`);
};

export const begin = (base: string, objects: string | undefined, globals: GlobalOptions): Promise<void> =>
  perform('begin', globals, async (transaction) => {
    await transactions.begin(transaction, base, objects && resolve(objects));
    return undefined;
  });

export const add = (file: string | undefined, globals: GlobalOptions): Promise<void> =>
  perform('add', globals, async (transaction) => {
    await transactions.add(transaction, inputOf(given(file, 'the file to add', EXIT.failed)));
    return undefined;
  });

export const remove = (part: string | undefined, globals: GlobalOptions): Promise<void> =>
  perform('remove', globals, async (transaction) => {
    await transactions.remove(transaction, part ?? '');
    return undefined;
  });

export const show = (globals: GlobalOptions): Promise<void> =>
  perform('show', globals, async (transaction) => (await transactions.show(transaction)).toString());

export const commit = (revision: string | undefined, globals: GlobalOptions): Promise<void> =>
  perform('commit', globals, (transaction) => transactions.commit(transaction, revision));

export const abort = (globals: GlobalOptions): Promise<void> =>
  perform('abort', globals, async (transaction) => {
    await transactions.abort(transaction);
    return undefined;
  });

export const deploy = (directory: string | undefined, globals: GlobalOptions): Promise<void> =>
  perform('deploy', globals, async (transaction) => {
    const warnings = await deployTransaction(transaction, resolve(given(directory, 'the directory')));
    return warnings.length === 0 ? undefined : warnings.map((text) => `WARN: ${text}`).join('\n');
  });

export const newQueue = (
  queue: string | undefined,
  objects: string | undefined,
  globals: GlobalOptions,
): Promise<void> =>
  perform('queue new', globals, async (transaction) => {
    const places = { queue: given(queue, 'the queue'), objects: given(objects, 'the object directory') };
    await queues.newQueue(transaction, { queue: resolve(places.queue), objects: resolve(places.objects) });
    return undefined;
  });

export const unpack = (file: string | undefined, globals: GlobalOptions): Promise<void> =>
  perform('queue unpack', globals, async (transaction) => {
    await queues.unpack(transaction, inputOf(given(file, 'the file to add')));
    return undefined;
  });

export const enqueueRemoval = (part: string | undefined, globals: GlobalOptions): Promise<void> =>
  perform('queue remove', globals, async (transaction) => {
    await queues.enqueueRemoval(transaction, given(part, 'the part'));
    return undefined;
  });

interface Processing {
  readonly base: string | undefined;
  readonly directory: string | undefined;
  readonly objects: string | undefined;
}

export const processQueue = ({ base, directory, objects }: Processing, globals: GlobalOptions): Promise<void> =>
  perform('queue process', globals, async (transaction) => {
    const places = directory && {
      queue: resolve(directory),
      objects: resolve(given(objects, 'the object directory')),
    };
    await queues.processQueue(transaction, { ...(base && { base }), ...(places && { places }) });
    return undefined;
  });
