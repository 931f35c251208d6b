/** One command on a transaction: its directory, locked; the daemon that it is for; and how it ends. */
import { resolve } from 'node:path';
import { DeviceError } from '../../host/host.ts';
import { bunzip2 } from '../../host/linux/bunzip2.ts';
import { linuxFiles } from '../../host/linux/files/linux-files.ts';
import { lockDirectories } from '../../host/linux/files/lock.ts';
import type { Input } from '../../transaction/parts.ts';
import { openTransaction, type Target, type Transaction } from '../../transaction/transaction.ts';
import { EXIT, exitCodeOfStatus, TransactionError } from '../../transaction/transaction-error.ts';
import { checkDirectory } from '../../transaction/workspace.ts';
import type { Answer, Question } from '../pvcontrol/client.ts';
import { checkedName } from '../pvcontrol/control-commands.ts';
import { askSocket, type GlobalOptions } from '../pvcontrol/question.ts';
import { isExplained } from '../shared/program.ts';

/** Where the transaction is kept between commands. */
export const transactionDirectory = (env: NodeJS.ProcessEnv, isRoot: boolean): string => {
  const { PVTXDIR, PREFIX = '', HOME = '/' } = env;
  if (PVTXDIR) return resolve(PVTXDIR);
  return isRoot ? resolve(`${PREFIX}/var/cache/pvtx`) : resolve(HOME, '.local/share/pvtx');
};

/** `-` and whatever else begins with it is standard input. */
export const inputOf = (file: string): Input =>
  file.startsWith('-')
    ? { name: '-', content: process.stdin }
    : { name: file, content: linuxFiles.stream(resolve(file)) };

const refusal = (exitCode: number, { status, body }: Answer): TransactionError =>
  new TransactionError(exitCode, `${status}\nResponse: ${body}`);

const targetOf = (globals: GlobalOptions): Target => {
  const put = (path: string, content: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<Answer> => {
    const question: Question = { method: 'PUT', path, upload: { content, sizeBytes } };
    return askSocket(question, globals);
  };
  return {
    currentState: async () => {
      const answer = await askSocket({ method: 'GET', path: '/steps/current' }, globals);
      if (answer.status !== 200) throw refusal(EXIT.failed, answer);
      return Buffer.from(answer.body);
    },
    putObject: async (id, content, sizeBytes) => {
      const answer = await put(`/objects/${id}`, content, sizeBytes);
      if (answer.status !== 200) throw refusal(exitCodeOfStatus(answer.status), answer);
    },
    putState: async (revision, document) => {
      const content = (async function* () {
        yield document;
      })();
      const answer = await put(`/steps/${checkedName('revision', revision)}`, content, document.length);
      if (answer.status !== 200) throw refusal(EXIT.failed, answer);
    },
  };
};

const locked = (directory: string): (() => void) => {
  try {
    return lockDirectories([directory]);
  } catch (error) {
    if (!(error instanceof DeviceError && error.code === 'EBUSY')) throw error;
    throw new TransactionError(EXIT.busy, `another pvtx works in ${directory}: try again, or use another PVTXDIR`);
  }
};

type Work = (transaction: Transaction) => Promise<string | undefined>;

/** Does the work with the transaction, prints what it returns, and ends as pvtx ends. */
export const perform = async (command: string, globals: GlobalOptions, work: Work): Promise<void> => {
  try {
    const directory = transactionDirectory(process.env, process.getuid?.() === 0);
    await checkDirectory(linuxFiles, directory);
    const unlock = locked(directory);
    try {
      const options = { files: linuxFiles, directory, target: targetOf(globals), decompress: bunzip2 };
      const output = await work(openTransaction(options));
      if (output !== undefined) process.stdout.write(`${output}\n`);
    } finally {
      unlock();
    }
  } catch (error) {
    process.exitCode = conclude(command, error);
  }
};

const conclude = (command: string, error: unknown): number => {
  if (!isExplained(error)) throw error;
  process.stderr.write(`ERROR: ${command}: ${error.message}\n`);
  return error instanceof TransactionError ? error.exitCode : EXIT.failed;
};
