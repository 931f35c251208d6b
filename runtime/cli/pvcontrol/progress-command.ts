/** `pvcontrol steps show-progress`: how far a revision is, now or until it is over. */
import { type Answer, ClientError, findSocket, followStatus } from './client.ts';
import { checkedName } from './control-commands.ts';
import { askSocket, conclude, type GlobalOptions, wantsTable, write } from './question.ts';
import { untilInterrupted } from './screen.ts';

/** As Pantavisor writes it, if it is what it says. */
interface Progress {
  readonly status?: unknown;
  readonly 'status-msg'?: unknown;
  readonly progress?: unknown;
}

const GOOD = ['DONE', 'UPDATED'];
const FINAL = [...GOOD, 'ERROR', 'WONTGO', 'CANCELLED'];
const NOT_COMMITTED = 255;

const progressIn = ({ body }: Answer): Progress => {
  const progress: unknown = JSON.parse(body);
  return typeof progress === 'object' && progress !== null ? progress : {};
};

const sentenceOf = (answer: Answer): string => {
  const { status, progress, 'status-msg': message } = progressIn(answer);
  const parts = [status, progress === undefined ? undefined : `${progress} %`, message];
  return parts
    .filter((part) => part !== undefined && part !== '')
    .join(', ')
    .replace(/\p{Cc}+/gu, ' ');
};

const ask = (revision: string, options: GlobalOptions): Promise<Answer> =>
  askSocket({ method: 'GET', path: `/steps/${checkedName('revision', revision)}/progress` }, options);

const shown = (answer: Answer, options: GlobalOptions): string =>
  answer.status === 200 && wantsTable(options) ? sentenceOf(answer) : answer.body;

export const showProgress = async (revision: string, options: GlobalOptions): Promise<void> => {
  const answer = await ask(revision, options);
  conclude(answer, options, shown(answer, options));
};

/** A line for every change. */
export const watchProgress = async (revision: string, options: GlobalOptions): Promise<void> => {
  const socket = await findSocket(options.s, process.env);
  const stop = untilInterrupted();
  let latest: string | undefined;
  try {
    for await (const _ of followStatus(socket, stop)) {
      const answer = await ask(revision, options);
      if (answer.status !== 200) return conclude(answer, options);
      const text = shown(answer, options);
      if (text !== latest) write(`${text}\n`, options);
      latest = text;
      const status = String(progressIn(answer).status);
      if (!FINAL.includes(status)) continue;
      process.exitCode = GOOD.includes(status) ? 0 : NOT_COMMITTED;
      return;
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
  if (!stop.aborted) throw new ClientError('pantavisor has ended');
};
