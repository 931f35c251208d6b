/** Commands that list things, once or as they change. */
import { ClientError, findSocket, followStatus } from './client.ts';
import { askSocket, conclude, type GlobalOptions, wantsTable, write } from './question.ts';
import { hasColours, openScreen, untilInterrupted } from './screen.ts';

type Item = Readonly<Record<string, unknown>>;

const itemsOf = (body: string): readonly Item[] => {
  const items: unknown = JSON.parse(body);
  if (!Array.isArray(items)) throw new ClientError(`expected a list, but the answer is ${body.slice(0, 60)}`);
  return items as readonly Item[]; // members are read one by one and shown whatever they are
};

export interface List {
  readonly path: string;
  /** Members of the items, for the table. */
  readonly columns: readonly string[];
}

const shown = async ({ columns }: List, body: string, options: GlobalOptions): Promise<string> => {
  if (!wantsTable(options)) return body;
  const { listTable } = await import('../shared/table.ts');
  return listTable(itemsOf(body), columns, { colour: hasColours() });
};

export const printList = async (list: List, options: GlobalOptions): Promise<void> => {
  const answer = await askSocket({ method: 'GET', path: list.path }, options);
  conclude(answer, options, answer.status === 200 ? await shown(list, answer.body, options) : answer.body);
};

/** An object of names and values: for people a table of both. */
export const printMap = async (path: string, options: GlobalOptions): Promise<void> => {
  const answer = await askSocket({ method: 'GET', path }, options);
  if (answer.status !== 200 || !wantsTable(options)) return conclude(answer, options);
  const { listTable } = await import('../shared/table.ts');
  const map = Object.entries(JSON.parse(answer.body)).map(([key, value]) => ({ key, value }));
  conclude(answer, options, listTable(map, ['key', 'value'], { colour: hasColours() }));
};

/** Again whenever the device changes: on a terminal in place, elsewhere one after the other. */
export const watchList = async (list: List, options: GlobalOptions): Promise<void> => {
  const socket = await findSocket(options.s, process.env);
  const stop = untilInterrupted();
  let latest: string | undefined;
  const isScreen = wantsTable(options) && process.stdout.isTTY === true;
  const screen = isScreen ? openScreen(() => screen?.draw(latest ?? '')) : undefined;
  try {
    for await (const _ of followStatus(socket, stop)) {
      const answer = await askSocket({ method: 'GET', path: list.path }, options);
      if (answer.status !== 200) return conclude(answer, options);
      const text = await shown(list, answer.body, options);
      if (text === latest) continue;
      latest = text;
      if (screen) screen.draw(text);
      else write(wantsTable(options) ? `${text}\n\n` : `${text}\n`, options);
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    screen?.close();
  }
  if (!stop.aborted) throw new ClientError('pantavisor has ended');
};

/** Names of the things at a path, for completion. */
export const namesAt = async (path: string, options: GlobalOptions): Promise<readonly string[]> => {
  const { status, body } = await askSocket({ method: 'GET', path }, options);
  return status === 200 ? itemsOf(body).map(({ name }) => String(name)) : [];
};
