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

export const showProgress = async (revision: string, options: GlobalOptions): Promise<void> => {
  const path = `/steps/${checkedName('revision', revision)}/progress`;
  conclude(await askSocket({ method: 'GET', path }, options), options);
};

export const sendSignal = async (type: string, options: GlobalOptions): Promise<void> => {
  const body = JSON.stringify({ type, payload: '' });
  conclude(await askSocket({ method: 'POST', path: '/signal', body }, options), options);
};

export const collectGarbage = async (options: GlobalOptions): Promise<void> => {
  conclude(await askSocket({ method: 'POST', path: '/storage/gc' }, options), options);
};
