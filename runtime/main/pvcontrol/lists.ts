/** Commands that list things. */
import { ClientError } from './client.ts';
import { askSocket, conclude, type GlobalOptions, wantsTable } from './question.ts';

type Item = Readonly<Record<string, unknown>>;

const itemsOf = (body: string): readonly Item[] => {
  const items: unknown = JSON.parse(body);
  if (!Array.isArray(items)) throw new ClientError(`expected a list, but the answer is ${body.slice(0, 60)}`);
  return items as readonly Item[]; // members are read one by one and shown whatever they are
};

export const printList = async (path: string, columns: readonly string[], options: GlobalOptions): Promise<void> => {
  const answer = await askSocket({ method: 'GET', path }, options);
  if (answer.status !== 200 || !wantsTable(options)) return conclude(answer, options);
  const { listTable } = await import('../table.ts');
  conclude(answer, options, listTable(itemsOf(answer.body), columns));
};

/** Names of the things at a path, for completion. */
export const namesAt = async (path: string, options: GlobalOptions): Promise<readonly string[]> => {
  const { status, body } = await askSocket({ method: 'GET', path }, options);
  return status === 200 ? itemsOf(body).map(({ name }) => String(name)) : [];
};
