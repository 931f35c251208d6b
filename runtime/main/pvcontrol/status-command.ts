/** `pvcontrol status`: the table of the device, once or as it changes. */
import type { StatusView } from '../../api/status.ts';
import { findSocket, followStatus } from './client.ts';
import { askSocket, conclude, type GlobalOptions, write } from './question.ts';
import { renderStatus } from './status-table.ts';

const TICK_MS = 1000;
const HOME = '\u001b[H';
const ERASE_LINE_END = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
const ERASE_SCREEN = '\u001b[2J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const DEFAULT_WIDTH = 120;

/** NO_COLOR and FORCE_COLOR as everywhere; otherwise colours on terminals only. */
const hasColours = (): boolean => {
  if (process.env['NO_COLOR']) return false;
  return process.env['FORCE_COLOR'] ? process.env['FORCE_COLOR'] !== '0' : process.stdout.isTTY === true;
};

const render = (view: StatusView, now?: Date): string =>
  renderStatus(view, {
    colour: hasColours(),
    width: process.stdout.columns ?? DEFAULT_WIDTH,
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
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  const screen = globals.json !== true && process.stdout.isTTY === true ? openScreen() : undefined;
  try {
    for await (const view of followStatus(socket, stop.signal)) {
      if (globals.json) write(`${JSON.stringify(view)}\n`, globals);
      else if (screen) screen.show(view);
      else write(`${render(view)}\n\n`, globals);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    screen?.close();
  }
  if (stop.signal.aborted) return;
  process.stderr.write('pvcontrol: pantavisor has ended\n');
  process.exitCode = 1;
};

/** Redraws the last document every second, because "since" goes on while nothing changes. */
const openScreen = (): { show: (view: StatusView) => void; close: () => void } => {
  let latest: { readonly view: StatusView; readonly receivedMs: number } | undefined;
  const draw = (): void => {
    if (latest === undefined) return;
    const elapsedMs = performance.now() - latest.receivedMs;
    const now = new Date(Date.parse(latest.view.time) + elapsedMs);
    // Over what is there, line by line: erasing first would flicker.
    const lines = render(latest.view, now).replaceAll('\n', `${ERASE_LINE_END}\n`);
    process.stdout.write(`${HOME}${lines}${ERASE_LINE_END}\n${ERASE_BELOW}`);
  };
  process.stdout.write(HIDE_CURSOR + ERASE_SCREEN);
  process.stdout.on('resize', draw);
  const ticking = setInterval(draw, TICK_MS);
  return {
    show: (view) => {
      latest = { view, receivedMs: performance.now() };
      draw();
    },
    close: () => {
      clearInterval(ticking);
      process.stdout.off('resize', draw);
      process.stdout.write(SHOW_CURSOR);
    },
  };
};
