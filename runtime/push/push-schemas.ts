/** The shapes of what pushing answers and takes, for `GET /v1/openapi.json` and the tests. Loaded when that is asked for. */
import { z } from 'zod';
import { SCHEMAS } from '../api/api-schemas.ts';

const Progress = z
  .looseObject({
    status: z.string().describe('NEW, INPROGRESS, TESTING, DONE, ERROR, WONTGO, CANCELLED'),
    'status-msg': z.string(),
    progress: z.number(),
    reason: z.string().optional().describe('Why it was given up.'),
    waitingOn: z.array(z.strictObject({ resource: z.string(), reason: z.string() })).optional(),
  })
  .describe('How a revision fares.');

export const PUSH_SCHEMAS = {
  RevisionProgress: z.looseObject({
    revision: z.string(),
    progress: Progress,
    Error: z.string().optional().describe('It was given up, for this reason.'),
  }),
  Delivered: z.looseObject({
    Error: z.string().optional(),
    problems: z.array(z.string()).optional().describe('Everything that is wrong with the document.'),
    revision: z.string().optional(),
    hash: z.string().optional().describe('sha256 of the canonical document.'),
    etag: z.string().optional().describe('For If-Match.'),
    missing: z.array(z.string()).optional().describe('Objects that are still to be brought.'),
    progress: z.looseObject({}).optional(),
  }),
  RevisionList: z.strictObject({
    running: z.string().nullable(),
    committed: z.string().nullable(),
    revisions: z.array(
      z.strictObject({
        revision: z.string(),
        time: z.iso.datetime(),
        commitMessage: z.string(),
        progress: z.looseObject({}),
      }),
    ),
  }),
  Edit: z.array(z.looseObject({ op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']), path: z.string() })),
  PvrPosted: z.strictObject({
    rev: z.literal(-1),
    revlocal: z.string(),
    'state-sha': z.string(),
    'trail-id': z.string(),
  }),
  Audit: z.array(z.strictObject({ time: z.iso.datetime(), from: z.string(), what: z.string(), status: z.string() })),
  StateDocument: SCHEMAS.StateDocument,
  OpenApi: SCHEMAS.OpenApi,
  Error: SCHEMAS.Error,
} as const;

export type PushSchemaName = keyof typeof PUSH_SCHEMAS;
