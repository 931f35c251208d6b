import { expect, test } from 'vitest';
import { type Followed, outcomeOf } from '../../../reconcilers/desired/outcome.ts';
import type { Failure, Trial, UpdateStatus } from '../../../resources/kinds/update.ts';
import type { Outcome, Proposal } from '../../../resources/proposal.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';

const WEB = { revision: 'locals/web', hash: 'h' };
const MINE: Proposal = { spec: WEB, source: 'push', from: 'ci' };
const OTHER: Proposal = { spec: { revision: 'locals/other', hash: 'o' }, source: 'control socket', from: 'me' };
const TRIAL: Trial = { ...WEB, fallback: '0', startedAtMs: 0, interrupted: false };
const FAILURE: Failure = { ...WEB, status: 'ERROR', message: 'Status goal not reached', detail: 'web is STARTED' };
const BASE: UpdateStatus = { committed: { revision: '0', hash: 'zero' }, failures: {} };

const seen = (status: UpdateStatus): Snapshot => ({
  ...EMPTY_SNAPSHOT,
  observed: { 'update/device': status },
  plans: {
    'container/web': { outcome: 'waiting', on: [], reason: 'not up' },
    'group/app': { outcome: 'converged' },
  },
});
const WAITING_ON = [{ resource: 'container/web', reason: 'not up' }];
const proposed: Followed = { ...WEB, proposal: MINE, begun: false };
const known: Followed = { ...WEB, begun: false };

test.each<[string, Followed, Proposal | undefined, UpdateStatus, Outcome | undefined]>([
  ['it stands and was not begun', proposed, MINE, BASE, { is: 'accepted' }],
  ['another one took its place', proposed, OTHER, BASE, { is: 'superseded', by: OTHER }],
  ['it is on trial', proposed, MINE, { ...BASE, trial: TRIAL }, { is: 'trying', waitingOn: WAITING_ON }],
  [
    'it is on trial still, though another one is wanted now',
    proposed,
    OTHER,
    { ...BASE, trial: TRIAL },
    { is: 'trying', waitingOn: WAITING_ON },
  ],
  [
    'its goals are reached',
    proposed,
    MINE,
    { ...BASE, trial: { ...TRIAL, testedAtMs: 1, commitAtMs: 2 } },
    { is: 'testing', waitingOn: WAITING_ON },
  ],
  [
    'other content of its name is on trial',
    proposed,
    MINE,
    { ...BASE, trial: { ...TRIAL, hash: 'x' } },
    { is: 'accepted' },
  ],
  ['it is committed', proposed, MINE, { ...BASE, committed: WEB }, { is: 'done' }],
  [
    'it was tried and failed',
    { ...proposed, begun: true },
    MINE,
    { ...BASE, failures: { [WEB.revision]: FAILURE } },
    { is: 'rolled back', failure: FAILURE },
  ],
  [
    'it failed before it was proposed this time',
    proposed,
    MINE,
    { ...BASE, failures: { [WEB.revision]: FAILURE } },
    {
      is: 'refused',
      reason: 'this content was tried before and failed: Status goal not reached: web is STARTED',
      failure: FAILURE,
    },
  ],
  [
    'its content failed under another name',
    proposed,
    MINE,
    { ...BASE, failures: { old: { ...FAILURE, revision: 'old' } } },
    {
      is: 'refused',
      reason: 'this content was tried before and failed: Status goal not reached: web is STARTED',
      failure: { ...FAILURE, revision: 'old' },
    },
  ],
  [
    'it was only cancelled before',
    proposed,
    MINE,
    { ...BASE, failures: { [WEB.revision]: { ...FAILURE, status: 'CANCELLED' } } },
    { is: 'accepted' },
  ],
  [
    'it failed before this daemon started',
    known,
    undefined,
    { ...BASE, failures: { [WEB.revision]: FAILURE } },
    { is: 'rolled back', failure: FAILURE },
  ],
  [
    'other content of its name failed',
    known,
    undefined,
    { ...BASE, failures: { [WEB.revision]: { ...FAILURE, hash: 'x' } } },
    undefined,
  ],
  ['nothing is known of it', known, OTHER, BASE, undefined],
])('%s', (_, followed, standing, status, outcome) => {
  expect(outcomeOf(followed, standing, seen(status))).toEqual(outcome);
});
