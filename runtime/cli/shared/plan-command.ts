/** `pantavisor plan` and `pvcontrol plan`: what would happen, printed, with an exit code that is the answer. */
import { statSync } from 'node:fs';
import { failureIn, isNothingToDo, type PlanReport } from '../../rehearsal/plan-report.ts';
import { renderPlan } from '../../rehearsal/plan-text.ts';
import { EMPTY_DEVICE, presentOfStorage } from '../../rehearsal/present-of-storage.ts';
import { Rejection } from '../../store/rejection.ts';
import { ask, ClientError, findSocket } from '../pvcontrol/client.ts';
import { readStateInput, type StateInput } from './state-input.ts';

const NOTHING_TO_DO = 0;
const INVALID = 1;
const CHANGES = 2;

export interface PlanOptions {
  /** A storage directory or a control socket. */
  readonly against?: string;
  readonly json?: true;
}

/** Of a state that somebody has in mind. */
export const plan = async (file: string, options: PlanOptions): Promise<void> => {
  try {
    const input = await readStateInput(file);
    const report = await planAgainst(input, options.against);
    conclude(report, options);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = INVALID;
  }
};

/** Of what the daemon is about to do. */
export const planOfNow = async (socket: string, options: PlanOptions): Promise<void> =>
  conclude(await askFor(socket, undefined), options);

const planAgainst = async (input: StateInput, against: string | undefined): Promise<PlanReport> => {
  if (against !== undefined && isDirectory(against)) return planOnStorage(input, against);
  const socket = await socketIn(against);
  if (socket !== undefined) return withObjects(await askFor(socket, input.document), input);
  return planOnStorage(input, undefined);
};

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** undefined: none was named, and none is where they usually are. */
const socketIn = async (against: string | undefined): Promise<string | undefined> => {
  try {
    return await findSocket(against, process.env);
  } catch (error) {
    if (against === undefined && error instanceof ClientError) return undefined;
    throw error;
  }
};

/** @throws Rejection when the daemon says that the state is not valid. */
const askFor = async (socket: string, document: Buffer | undefined): Promise<PlanReport> => {
  const body = document?.toString();
  const question = body === undefined ? ({ method: 'GET' } as const) : ({ method: 'POST', body } as const);
  const answer = await ask(socket, { ...question, path: '/plan' });
  if (answer.status === 422) throw new Rejection(JSON.parse(answer.body).Error);
  if (answer.status !== 200) throw new ClientError(`${socket} answers ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body) as PlanReport; // from our own daemon
};

/** The daemon does not know what comes along with the document. */
const withObjects = (report: PlanReport, { objects }: StateInput): PlanReport => {
  const { missing } = report.objects;
  const neededBytes = missing.reduce((sum, id) => sum + (objects.get(id) ?? 0), 0);
  const absent = missing.filter((id) => !objects.has(id));
  return { ...report, objects: { ...report.objects, neededBytes, absent } };
};

const planOnStorage = async (input: StateInput, storage: string | undefined): Promise<PlanReport> => {
  const { planFor } = await import('../../rehearsal/plan-for.ts');
  const { present, lookUp } = storage === undefined ? EMPTY_DEVICE : await presentOfStorage(storage);
  return planFor(present, lookUp, input);
};

const conclude = (report: PlanReport, options: PlanOptions): void => {
  process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : renderPlan(report)}\n`);
  if (failureIn(report) !== undefined) process.exitCode = INVALID;
  else process.exitCode = isNothingToDo(report) ? NOTHING_TO_DO : CHANGES;
};
