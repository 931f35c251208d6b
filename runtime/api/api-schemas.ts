/**
 * The shapes of what the API answers and takes, for `GET /openapi.json` and the tests that hold answers against it.
 * Loaded when that is asked for: a daemon needs none of it to run, so everybody else imports types only.
 */

import { z } from 'zod';
import { KIND_NAMES } from '../../resources/catalog.ts';
import { CONTAINER_STATUSES, RESTART_POLICIES, STATUS_GOALS } from '../../resources/kinds/goal.ts';
import { Progress } from '../../resources/progress.ts';
import { LEVELS, type Level } from '../config/config-level.ts';
import { OPERATIONS } from './command-endpoints.ts';
import { CONDITION_TYPES } from './conditions.ts';
import { CONTROL_ACTIONS } from './ports.ts';
import { PHASES } from './status.ts';

const time = z.iso.datetime().describe('ISO 8601, wall clock.');
const count = z.int().min(0);
const kind = z.enum(KIND_NAMES);
const ref = z
  .string()
  .regex(/^(update|disk|volume|group|container)\//)
  .describe('`<kind>/<name>`.');
const goal = z.enum(STATUS_GOALS);
const status = z.enum(CONTAINER_STATUSES);

const Condition = z.strictObject({
  type: z.enum(CONDITION_TYPES),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().describe('One word for machines.'),
  message: z.string(),
  lastTransitionTime: time.describe('When `status` changed last.'),
});

const LastAction = z.strictObject({
  type: z.string().describe('`<kind>.<verb>`, such as `container.start`.'),
  reason: z.string(),
  result: z.enum(['running', 'done', 'failed']),
  at: time.describe('When it ended, or began if it runs.'),
  error: z.strictObject({ code: z.string(), message: z.string(), retryAt: time }).nullable(),
});

const ResourceView = z.strictObject({
  ref,
  kind,
  name: z.string(),
  outcome: z.enum(['converged', 'acting', 'waiting', 'stalled', 'unknown']),
  state: z.string().describe("Pantavisor's status for containers and groups, the outcome for everything else."),
  since: time.describe('When `state` began.'),
  order: z.int().nullable().describe('Its place among those of its kind; null: none was given.'),
  goal: goal.nullable().describe('Containers and groups.'),
  group: z.string().nullable().describe('Containers.'),
  waitingOn: z.array(ref),
  reason: z.string().describe('Why it is not converged; empty when it is.'),
  attempts: count.describe('Failed attempts in a row of the action that is being tried.'),
  lastAction: LastAction.nullable(),
  desired: z.looseObject({}).nullable().describe('What is wanted; null: nobody wants it.'),
  observed: z.looseObject({}).nullable().describe('What the device has; null: nothing.'),
});

const Failure = z.strictObject({
  revision: z.string(),
  hash: z.string(),
  status: z.enum(['ERROR', 'WONTGO', 'CANCELLED']),
  message: z.string(),
  detail: z.string(),
});

const SourceView = z.strictObject({
  name: z.enum(['hub']),
  server: z.string(),
  mode: z.enum(['off', 'local', 'remote']).describe('off: by configuration. local: a local revision runs.'),
  state: z.string().nullable().describe('As device metadata pantahub.state; null: it is not talked to.'),
  claimed: z.boolean().nullable(),
  deviceId: z.string().nullable(),
  challenge: z.string().nullable(),
  online: z.boolean(),
  connectedSince: time.nullable(),
  lastContact: time.nullable(),
  nextTry: time.nullable(),
  lastError: z.string().nullable(),
  tlsVerified: z.boolean(),
  step: z
    .strictObject({
      revision: z.string(),
      message: z.string(),
      author: z.string(),
      status: z.string(),
      retries: count,
      bytesToGo: count,
    })
    .nullable()
    .describe('The step that is worked on.'),
  undelivered: count.describe('Reports that wait to be delivered.'),
});

const Status = z.strictObject({
  time: time.describe('When this was written.'),
  revision: z.string().nullable().describe('The revision whose resources are desired now.'),
  phase: z.enum(PHASES),
  committed: z.string().nullable().describe('The revision that survives a restart.'),
  trial: z.strictObject({ revision: z.string(), fallback: z.string(), commitAt: time.nullable() }).nullable(),
  failed: z.array(Failure).describe('Revisions that were given up, and why.'),
  progress: z.strictObject({ converged: count, total: count }),
  conditions: z.array(Condition),
  sources: z.array(SourceView).describe('Servers that may want the device to be something.'),
  resources: z.array(ResourceView),
});

const Told = z.strictObject({
  id: z.int().min(1),
  time,
  ref: ref.nullable(),
  sentence: z.string(),
  get because() {
    return z.array(Told).describe('What brought it about, the latest first. Each thing is told once.');
  },
});

const RevisionRecord = z.strictObject({
  revision: z.string(),
  from: z.string().nullable().describe('Who proposed it.'),
  proposedAt: time.nullable(),
  triedAt: time.nullable(),
  testedAt: time.nullable().describe('When every goal was reached.'),
  endedAt: time.nullable(),
  outcome: z.enum(['proposed', 'refused', 'trying', 'testing', 'committed', 'given-up']),
  reason: z.string(),
  phases: z.strictObject({
    waitingMs: count.nullable(),
    startingMs: count.nullable(),
    testingMs: count.nullable(),
  }),
});

const recovery = { max_retries: count, stable_timeout: count, backoff_policy: z.string() };

export const SCHEMAS = {
  Status,
  WatchDocument: Status.extend({
    failed: z.record(z.string(), Failure).describe('By revision.'),
    resources: z.record(ref, ResourceView).describe('By ref.'),
  }),
  Patch: z
    .array(z.looseObject({ op: z.enum(['add', 'remove', 'replace']), path: z.string() }))
    .describe('RFC 6902, to be applied to the last WatchDocument.'),
  ContainerList: z.array(
    z.strictObject({
      name: z.string(),
      group: z.string(),
      status,
      status_goal: goal,
      restart_policy: z.enum(RESTART_POLICIES),
      roles: z.array(z.string()),
      auto_recovery: z
        .strictObject({ policy: z.string(), current_retries: count, is_stable: z.enum(['true', 'false']), ...recovery })
        .optional(),
      user_stopped: z.enum(['true', 'false']).optional(),
    }),
  ),
  GroupList: z.array(
    z.strictObject({
      name: z.string(),
      status_goal: goal,
      restart_policy: z.enum(RESTART_POLICIES),
      status,
      auto_recovery: z.strictObject(recovery).optional(),
    }),
  ),
  StepList: z.array(
    z.strictObject({
      name: z.string(),
      date: z.iso.datetime(),
      commitmsg: z.string(),
      progress: z.union([Progress, z.strictObject({})]),
    }),
  ),
  Progress,
  ObjectList: z.array(
    z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.string().regex(/^\d+$/).describe('Bytes.') }),
  ),
  Metadata: z
    .record(z.string(), z.union([z.string(), z.looseObject({}), z.array(z.unknown())]))
    .describe('Newest key first. Values that are JSON objects or lists are part of the document, others are text.'),
  Command: z.looseObject({
    op: z
      .string()
      .min(1)
      .describe(`The beginning of one of ${OPERATIONS.join(', ')}.`),
    payload: z.unknown().describe('Text; anything else counts as its JSON.'),
  }),
  LegacyConfig: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .describe('By the first older name of each key that has one. Secrets are masked.'),
  Config: z.array(
    z.strictObject({
      key: z.string(),
      value: z.string().describe('At most 255 characters; `(null)`: unset, `XXXX`: a secret.'),
      modified: z.enum(Object.keys(LEVELS) as [Level, ...Level[]]).describe('Who set it.'),
    }),
  ),
  Drivers: z.strictObject({}).describe('This device has none.'),
  Daemons: z.array(z.strictObject({ name: z.string(), pid: z.int(), respawn: z.boolean() })),
  DaemonOrder: z.looseObject({ action: z.enum(['start', 'stop']) }),
  Wakelocks: z.strictObject({
    mode: z.enum(['disabled', 'locks', 'managed']),
    count,
    degraded: z.boolean(),
    autosleep: z.boolean(),
    settling: z.boolean(),
    polling: z.boolean(),
    run_window: z.boolean(),
    held: z.record(z.string(), z.boolean()),
  }),
  Reclaimed: z.strictObject({ reclaimed: count.describe('Bytes.') }),
  ControlOrder: z.looseObject({ action: z.enum(CONTROL_ACTIONS) }),
  Signal: z.looseObject({ type: z.enum(['ready']) }),
  Readiness: z.strictObject({
    ready: z.boolean(),
    reasons: z.array(z.strictObject({ ref: ref.nullable(), reason: z.string() })).describe('Empty when ready.'),
  }),
  Explanation: z.strictObject({
    ref,
    now: z.string().describe('Why it is as it is at this moment.'),
    deeds: z.array(Told).describe('The last things that happened to it, newest first.'),
  }),
  History: z.array(RevisionRecord),
  StateDocument: z.looseObject({ '#spec': z.string() }),
  Plan: z
    .looseObject({
      against: z.enum(['running', 'storage', 'empty']),
      from: z.string(),
      to: z.string(),
      steps: z.array(z.looseObject({ ref, sentence: z.string(), reason: z.string() })),
    })
    .describe('What would be done, in order, and what it comes to.'),
  OpenApi: z.looseObject({ openapi: z.string() }),
  Error: z.strictObject({ Error: z.string() }),
} as const;

export type SchemaName = keyof typeof SCHEMAS;
