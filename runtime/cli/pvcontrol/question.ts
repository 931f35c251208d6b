/** Asking the socket and ending as pvcontrol ends: the answer on stdout, a refusal on stderr, the exit code by its kind. */
import { writeFileSync } from 'node:fs';
import { type Answer, ask, findSocket, type Question } from './client.ts';

/** The options before the command; the short names are Pantavisor's. */
export interface GlobalOptions {
  readonly s?: string;
  readonly f?: string;
  readonly m?: string;
  readonly v?: true;
  readonly json?: true;
  readonly table?: true;
}

/** Refusals with an exit code of their own, by body. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  '{"Error":"Not enough disk space available"}': 48,
  '{"Error":"Object has bad checksum"}': 60,
  '{"Error":"State verification has failed"}': 70,
};
const REFUSED = 255;
const BUSY = 75;

export const exitCodeOf = ({ status, body }: Answer): number => {
  if (status === 200) return 0;
  if (status === 503) return BUSY;
  return Object.hasOwn(EXIT_CODES, body) ? (EXIT_CODES[body] ?? REFUSED) : REFUSED;
};

/** @throws ClientError when nobody answers. */
export const askSocket = async (question: Question, options: GlobalOptions): Promise<Answer> => {
  const socket = await findSocket(options.s, process.env);
  if (options.v) process.stderr.write(`* ${socket}\n> ${question.method} ${question.path} ${question.body ?? ''}\n`);
  const answer = await ask(socket, question);
  if (options.v) process.stderr.write(`< ${answer.status}\n`);
  return answer;
};

export const write = (text: string, { f }: GlobalOptions): void => {
  if (f === undefined) process.stdout.write(text);
  else writeFileSync(f, text);
};

/** People at a terminal get tables; everybody else gets what scripts of pvcontrol have always got. */
export const wantsTable = ({ json, table, f }: GlobalOptions): boolean =>
  table === true || (json !== true && f === undefined && process.stdout.isTTY === true);

/** `{"Error":"…"}` as a sentence, for people. */
const sentenceOf = ({ status, body }: Answer): string => {
  // Pantavisor itself does not escape it: no JSON to be relied on.
  const text = /^\{"Error":"(.*)"\}$/.exec(body)?.[1] ?? (body || `status ${status}`);
  return `pvcontrol: ${text}${status === 503 ? ' (busy, try again)' : ''}`;
};

/** Prints an answer, `shown` in its place when there is one, and sets the exit code. */
export const conclude = (answer: Answer, options: GlobalOptions, shown = answer.body): void => {
  process.exitCode = exitCodeOf(answer);
  if (answer.status === 200) write(`${shown === '' && wantsTable(options) ? 'Done.' : shown}\n`, options);
  else if (process.stderr.isTTY && options.json !== true) process.stderr.write(`${sentenceOf(answer)}\n`);
  else process.stderr.write(`${answer.body === '' ? `status ${answer.status}` : answer.body}\n`);
};
