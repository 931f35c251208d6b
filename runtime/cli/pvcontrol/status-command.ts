/** `pvcontrol status`: the table of the device, once or as it changes. */
import type { StatusView } from '../../api/status.ts';
import { findSocket, followStatus } from './client.ts';
import { askSocket, conclude, type GlobalOptions, write } from './question.ts';
import { hasColours, openScreen, untilInterrupted, width } from './screen.ts';
import { renderStatus } from './status-table.ts';

const TICK_MS = 1000;
const render = (view: StatusView, now?: Date): string =>
  renderStatus(view, {
    colour: hasColours(),
    width: width(),
    ...(now === undefined ? {} : { now }),
  });

// The document comes from our own daemon, over a socket that only root can offer.
const parse = (text: string): StatusView => JSON.parse(text) as StatusView;

export const status = async (options: { readonly watch?: true }, globals: GlobalOptions): Promise<void> => {
  if (options.watch) return watch(globals);
  const answer = await askSocket({ method: 'GET', path: '/status' }, globals);
  const isPlain = globals.json === true || answer.status !== 200;
  conclude(answer, globals, isPlain ? answer.body : render(parse(answer.body)));
};

/** JSON: one document a line. Terminal: the table, redrawn in place. Anything else: a table after every change. */
const watch = async (globals: GlobalOptions): Promise<void> => {
  const socket = await findSocket(globals.s, process.env);
  const stop = untilInterrupted();
  const screen = globals.json !== true && process.stdout.isTTY === true ? openLiveTable() : undefined;
  try {
    for await (const view of followStatus(socket, stop)) {
      if (globals.json) write(`${JSON.stringify(view)}\n`, globals);
      else if (screen) screen.show(view);
      else write(`${render(view)}\n\n`, globals);
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    screen?.close();
  }
  if (stop.aborted) return;
  process.stderr.write('pvcontrol: pantavisor has ended\n');
  process.exitCode = 1;
};

/** Redraws the last document every second, because "since" goes on while nothing changes. */
const openLiveTable = (): { show: (view: StatusView) => void; close: () => void } => {
  let latest: { readonly view: StatusView; readonly receivedMs: number } | undefined;
  const draw = (): void => {
    if (latest === undefined) return;
    const elapsedMs = performance.now() - latest.receivedMs;
    screen.draw(render(latest.view, new Date(Date.parse(latest.view.time) + elapsedMs)));
  };
  const screen = openScreen(draw);
  const ticking = setInterval(draw, TICK_MS);
  return {
    show: (view) => {
      latest = { view, receivedMs: performance.now() };
      draw();
    },
    close: () => {
      clearInterval(ticking);
      screen.close();
    },
  };
};
