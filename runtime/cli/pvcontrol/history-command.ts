/** `pvcontrol explain`, `pvcontrol history` and `pantavisor history`. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isKind, KIND_NAMES } from '../../../resources/catalog.ts';
import type { Explanation } from '../../history/explanation.ts';
import type { RevisionRecord } from '../../history/revision-record.ts';
import { ClientError } from './client.ts';
import { checkedName } from './control-commands.ts';
import { askSocket, conclude, type GlobalOptions } from './question.ts';

/** There is one update. */
const UPDATE = 'update/device';
const USUAL_STORAGE = '/var/lib/pantavisor';

/** `web` is a container, `volume/web/data` a volume, `update` the update. */
export const explainPath = (resource: string): string => {
  checkedName('resource', resource);
  if (resource === 'update') return `/explain/${UPDATE}`;
  const [kind = '', ...name] = resource.split('/');
  if (name.length === 0) return `/explain/container/${resource}`;
  if (isKind(kind)) return `/explain/${resource}`;
  throw new ClientError(
    `${resource}: expected NAME of a container or KIND/NAME, with KIND one of ${KIND_NAMES.toReversed().join(', ')}`,
  );
};

export const explain = async (resource: string, globals: GlobalOptions): Promise<void> => {
  const answer = await askSocket({ method: 'GET', path: explainPath(resource) }, globals);
  if (globals.json === true || answer.status !== 200) return conclude(answer, globals);
  const { renderExplanation } = await import('./history-text.ts');
  // The document comes from our own daemon, over a socket that only root can offer; so do the records below.
  conclude(answer, globals, renderExplanation(JSON.parse(answer.body) as Explanation));
};

export const history = async (globals: GlobalOptions): Promise<void> => {
  const answer = await askSocket({ method: 'GET', path: '/history' }, globals);
  if (globals.json === true || answer.status !== 200) return conclude(answer, globals);
  const { renderHistory } = await import('./history-text.ts');
  conclude(answer, globals, renderHistory(JSON.parse(answer.body) as readonly RevisionRecord[]));
};

/** From the storage, whether a daemon runs on it or not. */
export const historyOf = async (options: { readonly storage?: string; readonly json?: true }): Promise<void> => {
  const [{ readHistory }, { linuxFiles }, { renderHistory }] = await Promise.all([
    import('../../history/history.ts'),
    import('../../host/linux/files/linux-files.ts'),
    import('./history-text.ts'),
  ]);
  const storage = options.storage ?? process.env['PV_STORAGE_MNTPOINT'] ?? USUAL_STORAGE;
  const directory = resolve(storage, 'cache/history');
  await stat(directory);
  const onProblem = (subject: string, message: string): boolean => process.stderr.write(`${subject}: ${message}\n`);
  const records = await readHistory({ files: linuxFiles, directory, onProblem });
  process.stdout.write(`${options.json ? JSON.stringify(records, null, 2) : renderHistory(records)}\n`);
};
