/** Commands about one thing: a container, a revision, a signal. */
import { ClientError } from './client.ts';
import { askSocket, conclude, type GlobalOptions } from './question.ts';

/** Names are sent as they are, the socket decodes nothing: what cannot stand in a request line is refused here. */
export const checkedName = (noun: string, name: string): string => {
  if (name === '' || /[^\x21-\x7e]|[?#\\]/.test(name))
    throw new ClientError(
      `${JSON.stringify(name)} is no ${noun}: expected printable characters without blanks, ?, # and \\`,
    );
  return name;
};

export const controlContainer = async (name: string, action: string, options: GlobalOptions): Promise<void> => {
  const path = `/containers/${checkedName('container', name)}`;
  conclude(await askSocket({ method: 'PUT', path, body: JSON.stringify({ action }) }, options), options);
};

export const sendSignal = async (type: string, options: GlobalOptions): Promise<void> => {
  const body = JSON.stringify({ type, payload: '' });
  conclude(await askSocket({ method: 'POST', path: '/signal', body }, options), options);
};

export const collectGarbage = async (options: GlobalOptions): Promise<void> => {
  conclude(await askSocket({ method: 'POST', path: '/storage/gc' }, options), options);
};

/** What is at a path, as it is. */
export const show = async (path: string, options: GlobalOptions): Promise<void> =>
  conclude(await askSocket({ method: 'GET', path }, options), options);

export const showState = (revision: string, options: GlobalOptions): Promise<void> =>
  show(`/steps/${checkedName('revision', revision)}`, options);

export const command = async (op: string, payload: string, options: GlobalOptions): Promise<void> => {
  const body = JSON.stringify({ op, payload });
  conclude(await askSocket({ method: 'POST', path: '/commands', body }, options), options);
};

export const saveMetadata = async (path: string, key: string, body: string, options: GlobalOptions): Promise<void> => {
  const name = checkedName('key', key);
  conclude(await askSocket({ method: 'PUT', path: `${path}/${name}`, body }, options), options);
};

export const deleteMetadata = async (path: string, key: string, options: GlobalOptions): Promise<void> =>
  conclude(await askSocket({ method: 'DELETE', path: `${path}/${checkedName('key', key)}` }, options), options);

export const controlDaemon = async (name: string, action: string, options: GlobalOptions): Promise<void> => {
  const path = `/daemons/${checkedName('daemon', name)}`;
  const tell = (word: string) => askSocket({ method: 'PUT', path, body: JSON.stringify({ action: word }) }, options);
  const stopped = action === 'restart' ? await tell('stop') : undefined;
  conclude(
    stopped === undefined || stopped.status === 200 ? await tell(action === 'restart' ? 'start' : action) : stopped,
    options,
  );
};
