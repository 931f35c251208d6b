/** A terminal that shows one thing, drawn anew in place; and colours, for those who want them. */

const HOME = '\u001b[H';
const ERASE_LINE_END = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
const ERASE_SCREEN = '\u001b[2J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const DEFAULT_WIDTH = 120;

/** NO_COLOR and FORCE_COLOR as everywhere; otherwise colours on terminals only. */
export const hasColours = (): boolean => {
  if (process.env['NO_COLOR']) return false;
  return process.env['FORCE_COLOR'] ? process.env['FORCE_COLOR'] !== '0' : process.stdout.isTTY === true;
};

export const width = (): number => process.stdout.columns ?? DEFAULT_WIDTH;

/** Aborted when somebody ends the program: until then it may leave the terminal as it wants it. */
export const untilInterrupted = (): AbortSignal => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
};

export interface Screen {
  draw(text: string): void;
  close(): void;
}

/** @param onResize draws anew. */
export const openScreen = (onResize: () => void): Screen => {
  process.stdout.write(HIDE_CURSOR + ERASE_SCREEN);
  process.stdout.on('resize', onResize);
  return {
    // Over what is there, line by line: erasing first would flicker.
    draw: (text) => {
      const lines = text.replaceAll('\n', `${ERASE_LINE_END}\n`);
      process.stdout.write(`${HOME}${lines}${ERASE_LINE_END}\n${ERASE_BELOW}`);
    },
    close: () => {
      process.stdout.off('resize', onResize);
      process.stdout.write(SHOW_CURSOR);
    },
  };
};
