/** How it went with a revision, as answers. */
import { createHash } from 'node:crypto';
import { MESSAGE } from '../../resources/progress.ts';
import { INSTALL_REPLIES } from '../api/step-endpoints.ts';
import { document, failure, type Reply } from '../http/reply.ts';
import type { ProgressReport } from '../sources/directory/status-file.ts';
import type { Accepted, Delivered } from './delivery.ts';
import { refusal } from './push-operation.ts';

/** For people and for loops of `curl --retry`: an update takes seconds, or minutes. */
const BUSY = { 'Retry-After': '10' };

export const NOT_FOUND = failure(404, 'Resource does not exist');
export const TOO_LARGE = failure(413, 'The document is too large');

/** Strong: of the very bytes. */
export const etagOf = (bytes: Uint8Array): string => `"${createHash('sha256').update(bytes).digest('hex')}"`;

/** Whether an `If-Match` or `If-None-Match` header names it. */
export const names = (header: string, etag: string): boolean =>
  header.split(',').some((each) => ['*', etag].includes(each.trim()));

/** A document with a status of one's choice. */
export const told = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Reply => {
  const reply = document(body);
  return { ...reply, status, headers: { ...reply.headers, ...headers } };
};

export const reportView = ({ progress, reason, waitingOn }: ProgressReport): object => ({
  ...progress,
  ...(reason === undefined ? {} : { reason }),
  ...(waitingOn === undefined ? {} : { waitingOn }),
});

export const isAccepted = (delivered: Delivered): delivered is Accepted =>
  ['installed', 'begun'].includes(delivered.is);

/** Why a document did not become a revision, or was not run. */
export const refusalOf = (delivered: Exclude<Delivered, Accepted>): Reply => {
  switch (delivered.is) {
    case 'invalid':
      return told(422, { Error: `Parser: ${MESSAGE.badState}`, problems: delivered.problems });
    case 'missing objects':
      return told(409, { Error: 'Objects are missing: bring them, then try again', missing: delivered.missing });
    case 'failed before':
      return refusal(409, `${delivered.message}. It is tried again when asked: retry=true`);
    case 'busy':
      return refusal(503, delivered.message, BUSY);
    case 'refused':
      return failure(422, delivered.message);
    case 'not installed':
      return INSTALL_REPLIES[delivered.why];
    default:
      return delivered satisfies never;
  }
};
