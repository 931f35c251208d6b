/**
 * The table of `pvcontrol status --watch` with a few lines of ours above it, which a redrawn screen would otherwise wipe.
 */
import type { StatusView } from '../../runtime/api/status.ts';
import { followStatus } from '../../runtime/cli/pvcontrol/client.ts';
import { renderStatus } from '../../runtime/cli/pvcontrol/status-table.ts';

const TICK_MS = 1000;
const CLEAR = '\x1b[2J';
const HOME = '\x1b[H';
const ERASE_LINE_END = '\x1b[K';
const ERASE_BELOW = '\x1b[J';
const DEFAULT_WIDTH = 120;

/** Draws until the signal is aborted; resolves early when the daemon ends. Without a terminal: a table after every change. */
export async function showLive(socket: string, header: readonly string[], signal: AbortSignal): Promise<void> {
  const terminal = process.stdout.isTTY === true;
  let latest: { readonly view: StatusView; readonly receivedMs: number } | undefined;
  const draw = (): void => {
    if (latest === undefined) return;
    const now = new Date(Date.parse(latest.view.time) + performance.now() - latest.receivedMs);
    const table = renderStatus(latest.view, { colour: terminal, width: process.stdout.columns ?? DEFAULT_WIDTH, now });
    const lines = [...header, '', ...table.split('\n'), ''];
    process.stdout.write(terminal ? `${HOME}${lines.join(`${ERASE_LINE_END}\n`)}${ERASE_BELOW}` : `${table}\n\n`);
  };
  if (terminal) process.stdout.write(CLEAR);
  else console.log(header.join('\n'));
  // "since" goes on while nothing changes.
  const ticking = terminal ? setInterval(draw, TICK_MS) : undefined;
  try {
    for await (const view of followStatus(socket, signal)) {
      latest = { view, receivedMs: performance.now() };
      draw();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(ticking);
  }
}
