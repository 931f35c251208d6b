/** How far something is, on a terminal; nothing at all elsewhere, so that logs stay readable. */

export interface ProgressBar {
  show(done: number, total: number): void;
  /** Takes it away. */
  end(): void;
}

const EVERY_MS = 100;
const WIDTH = 30;
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `1.5 MB`, in powers of 1000. */
export const bytesText = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
};

export const progressBar = (
  label: string,
  terminal: Pick<NodeJS.WriteStream, 'isTTY' | 'write'> = process.stderr,
): ProgressBar => {
  let shownAtMs = Number.NEGATIVE_INFINITY;
  return {
    show: (done, total) => {
      const nowMs = performance.now();
      if (!terminal.isTTY || nowMs - shownAtMs < EVERY_MS) return;
      shownAtMs = nowMs;
      const share = total === 0 ? 1 : Math.min(done / total, 1);
      const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH);
      terminal.write(`\r\x1b[K${label} [${bar}] ${Math.floor(share * 100)}% of ${bytesText(total)}`);
    },
    end: () => {
      if (terminal.isTTY) terminal.write('\r\x1b[K');
    },
  };
};
