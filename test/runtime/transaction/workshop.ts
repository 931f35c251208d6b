/** A transaction with a device that remembers what it was given, on any file port. */
import type { Files } from '../../../runtime/host/host.ts';
import { openTransaction, type Target, type Transaction } from '../../../runtime/transaction/transaction.ts';
import { TransactionError } from '../../../runtime/transaction/transaction-error.ts';
import { sha256 } from '../../state-builder.ts';
import { streamOf } from '../store/device.ts';
import { SPEC, type Texts } from './documents.ts';

export interface Workshop {
  readonly transaction: Transaction;
  /** What the device was given: `object <sha256> <bytes>`, `<revision> <document>`. */
  readonly log: string[];
  current: string;
}

/** One line, in the given order. */
export const documentOf = (...texts: readonly Texts[]): string => {
  const members = Object.entries(Object.assign({}, SPEC, ...texts)).map(([key, text]) => `"${key}":${text}`);
  return `{${members.join(',')}}`;
};

export const objectOf = (content: string): { readonly name: string; readonly content: string } => ({
  name: `objects/${sha256(content)}`,
  content,
});

export const inputFrom = (content: string | Uint8Array, name = 'web.tgz') => ({ name, content: streamOf(content) });

export const workshop = (files: Files, directory: string): Workshop => {
  const log: string[] = [];
  const made: Workshop = {
    log,
    current: documentOf(),
    transaction: openTransaction({ files, directory, target: targetOf(), decompress: () => streamOf() }),
  };
  function targetOf(): Target {
    return {
      currentState: async () => Buffer.from(made.current),
      putObject: async (id, content, sizeBytes) => {
        let text = '';
        for await (const chunk of content) text += Buffer.from(chunk).toString();
        if (sha256(text) !== id) throw new TransactionError(90, '422\nResponse: {"Error":"Object has bad checksum"}');
        log.push(`object ${id} ${sizeBytes}`);
      },
      putState: async (revision, document) => {
        log.push(`${revision} ${document}`);
      },
    };
  }
  return made;
};
