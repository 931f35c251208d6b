/**
 * Progress of a revision: the JSON of `trails/<rev>/.pv/progress`, of `GET /steps/<rev>/progress` and of the Hub
 *. Statuses, numbers and texts are Pantavisor's; clients compare them as strings.
 */
import { z } from 'zod';

/** What `progress` says for each status. */
export const PROGRESS_NUMBER = {
  NEW: 0,
  QUEUED: 5,
  DOWNLOADING: 25,
  INPROGRESS: 50,
  TESTING: 75,
  UPDATED: 100,
  DONE: 100,
  WONTGO: 100,
  ERROR: 100,
  CANCELLED: 100,
} as const;

export type ProgressStatus = keyof typeof PROGRESS_NUMBER;

export const MESSAGE = {
  notInstalled: 'Update not yet installed',
  readyToRun: 'Update ready to be run',
  rebooting: 'Rebooting',
  transitioning: 'Transitioning to new revision without rebooting',
  trying: 'Trying new revision',
  awaitingRollbackPoint: 'Awaiting to set rollback point if update is stable',
  awaitingStable: 'Awaiting to see if update is stable',
  waitingStable: 'Waiting for all containers to become stable',
  updated: 'Update finished, revision not set as rollback point',
  done: 'Update finished, revision set as rollback point',
  factory: 'Factory revision',
  badState: 'State JSON has bad format',
  noState: 'State JSON not found',
  badObject: 'Object validation went wrong',
  goalMissed: 'Status goal not reached',
  startFailed: 'A container could not be started',
  unexpectedRollback: 'Unexpected rollback',
  internalError: 'Internal error',
  superseded: 'Superseded',
} as const;

export const Progress = z
  .looseObject({
    // A status that is not ours (the Hub has more) is kept as it is and counts as not final.
    status: z.string(),
    'status-msg': z.string().default(''),
    progress: z.number().default(0),
    retries: z.number().default(0),
    /** Only while DOWNLOADING. */
    downloads: z.unknown().optional(),
    /** JSON lines of level ERROR and FATAL, once the update ended with such lines. */
    logs: z.string().optional(),
  })
  .readonly();
export type Progress = z.output<typeof Progress>;

export const progressOf = (status: ProgressStatus, message: string, retries = 0): Progress => ({
  status,
  'status-msg': message,
  progress: PROGRESS_NUMBER[status],
  retries,
});

const FINAL: readonly string[] = ['DONE', 'WONTGO', 'ERROR', 'CANCELLED'];

/** Nothing more will happen to this revision by itself. UPDATED is not final: a reboot tries it again. */
export const isFinal = (progress: Progress): boolean => FINAL.includes(progress.status);
