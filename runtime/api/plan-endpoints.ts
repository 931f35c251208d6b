/** What would happen: `GET /plan` for what the daemon is about to do, `POST /plan` for a state that somebody has in mind. */
import { STATE_LIMITS } from '../../resources/state-format/state-limits.ts';
import { readBytes } from '../http/body.ts';
import { type ApiRequest, type Endpoint, json, type Operation } from '../http/operation.ts';
import { document, failure, type Reply } from '../http/reply.ts';
import { Busy } from '../rehearsal/rehearsal-queue.ts';
import { Rejection } from '../store/rejection.ts';
import type { ApiDeps } from './ports.ts';

const planned = async (deps: ApiDeps, proposed: Buffer | undefined): Promise<Reply> => {
  try {
    const report = await deps.plan(proposed);
    return report === undefined ? failure(500, 'State not loaded yet') : document(report);
  } catch (error) {
    if (error instanceof Rejection) return failure(422, error.message);
    if (error instanceof Busy) return failure(503, error.message);
    throw error;
  }
};

const PLAN: Operation['answers'] = { 200: json('Plan') };

export const planOfNow = (deps: ApiDeps): Endpoint['methods'] => ({
  GET: {
    summary: 'What the daemon is about to do, step by step',
    answers: PLAN,
    handle: () => planned(deps, undefined),
  },
});

/** On the control socket only: a rehearsal is work. */
export const planEndpoint = (deps: ApiDeps): Endpoint => ({
  path: '/plan',
  role: 'mgmt',
  methods: {
    ...planOfNow(deps),
    POST: {
      summary: 'What would happen if the state document in the body were proposed; nothing is done',
      body: 'StateDocument',
      answers: PLAN,
      handle: async ({ incoming }: ApiRequest) => {
        const body = await readBytes(incoming, STATE_LIMITS.documentBytes);
        return body === undefined ? failure(413, 'State JSON is too large') : planned(deps, body);
      },
    },
  },
});
