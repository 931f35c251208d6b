/** `PATCH /v1/revisions/current`: several may edit what runs; whoever is late learns it, and nobody's edit is lost. */

import { inTurn } from '../engine/in-turn.ts';
import { readBytes } from '../http/body.ts';
import { json } from '../http/operation.ts';
import { failure, type Reply } from '../http/reply.ts';
import { UPDATING } from './delivery.ts';
import { type PushOperation, type PushRequest, refusal } from './push-operation.ts';
import type { PushPort } from './push-port.ts';
import { answerTo, begin } from './push-revisions.ts';
import { etagOf, names, refusalOf, TOO_LARGE } from './replies.ts';
import { derivedName, localRevisionIn } from './revision-names.ts';
import { WISHES, type Wishes, wishesOf } from './run-options.ts';
import type { Patched, patchIn } from './state-patch.ts';

const MAX_PATCH_BYTES = 1024 * 1024;
const TYPE = 'application/json-patch+json';

interface Edit {
  readonly patch: Exclude<ReturnType<typeof patchIn>, string>;
  readonly wishes: Wishes;
  /** undefined: one is made. */
  readonly name: string | undefined;
}

/** What a request asks for, before anything is looked at. */
const editIn = async (request: PushRequest): Promise<Edit | Reply> => {
  const { incoming, query } = request;
  const type = incoming.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== TYPE) return refusal(415, `expected Content-Type: ${TYPE} (RFC 6902)`, { 'Accept-Patch': TYPE });
  const wishes = wishesOf(request);
  if ('status' in wishes) return wishes;
  const given = query.get('name');
  const name = given === null ? undefined : localRevisionIn(given);
  if (given !== null && name === undefined) return failure(400, 'expected name to be that of a local revision');
  const bytes = await readBytes(incoming, MAX_PATCH_BYTES);
  if (bytes === undefined) return TOO_LARGE;
  const { patchIn } = await import('./state-patch.ts');
  const patch = patchIn(bytes.toString('utf8'));
  return typeof patch === 'string' ? failure(400, patch) : { patch, wishes, name };
};

const patchRefusal = (patched: Exclude<Patched, { is: 'patched' }>): Reply =>
  failure(patched.is === 'conflict' ? 409 : 400, patched.message);

/** The document that an edit makes of the one that runs, and what to call it. */
const edited = async (
  { states, run }: PushPort,
  { incoming }: PushRequest,
  { patch, name, wishes }: Edit,
): Promise<{ readonly revision: string; readonly document: Buffer } | Reply> => {
  const running = states.running();
  const before = running === undefined ? undefined : await states.document(running);
  if (running === undefined || before === undefined) return failure(503, 'No revision was read yet. Try again');
  const expected = incoming.headers['if-match'];
  const etag = etagOf(before);
  if (expected !== undefined && !names(expected, etag))
    return refusal(412, `If-Match is of another state: ${running} runs now`, { ETag: etag });
  const { patchState } = await import('./state-patch.ts');
  const patched = patchState(before, patch);
  if (patched.is !== 'patched') return patchRefusal(patched);
  // On top of what may be rolled back in a moment nothing is run.
  if (wishes.run && run.isUpdating()) return refusalOf({ is: 'busy', message: UPDATING });
  const { document } = patched;
  const judged = await states.judge(running, document);
  if (!judged.ok) return refusalOf({ is: 'invalid', problems: judged.problems });
  return { document, revision: name ?? derivedName(running, judged.hash) };
};

export const patchOperation = (port: PushPort): PushOperation => {
  const oneByOne = inTurn();
  const edit = async (request: PushRequest): Promise<Reply> => {
    const wanted = await editIn(request);
    if ('status' in wanted) return wanted;
    // What comes of it is waited for outside: others need not.
    const begun = await oneByOne(async () => {
      const result = await edited(port, request, wanted);
      return 'status' in result ? result : begin(port, request, result, wanted.wishes);
    });
    return 'status' in begun ? begun : answerTo(port, request, begun);
  };
  return {
    summary: 'Change the state that runs, by RFC 6902; the result is another revision',
    scopes: ['push'],
    content: { type: TYPE, schema: 'Edit' },
    headers: { 'If-Match': 'The ETag of the state that the patch is of: 412 if it is not that any more' },
    query: {
      ...WISHES,
      name: 'Of the revision; one is made if it is left out',
      message: 'What it is about, for people',
    },
    answers: { 200: json('Delivered'), 201: json('Delivered'), 202: json('Delivered'), 422: json('Delivered') },
    handle: edit,
  };
};
