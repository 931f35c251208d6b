import { describe, expect, it } from 'vitest';
import { logTap } from '../../../runtime/platform/log-tap.ts';

const INFO = '{"level":30,"msg":"x"}\n';
const FATAL = '{"level":60,"msg":"y"}\n';

const rig = () => {
  const [printed, seen]: [string[], string[]] = [[], []];
  const tap = logTap({ write: (line) => void printed.push(line) });
  let shows = false;
  const attach = () => tap.attach({ line: (json) => void seen.push(json), shows: () => shows });
  return {
    ...{ tap, printed, seen, attach },
    show: (value: boolean) => {
      shows = value;
    },
  };
};

describe('the tap on the log', () => {
  it('prints every line at once, and gives each to whoever taps it, those before included', () => {
    const { tap, printed, seen, attach } = rig();
    tap.write(INFO);
    attach();
    tap.write(FATAL);
    expect(printed).toEqual([INFO, FATAL]);
    expect(seen).toEqual([INFO, FATAL]);
  });

  it('leaves printing to whoever taps it and shows lines, but for last words', () => {
    const { tap, printed, seen, attach, show } = rig();
    const detach = attach();
    show(true);
    tap.write(INFO);
    tap.write(FATAL);
    expect(printed).toEqual([FATAL]);
    expect(seen).toEqual([INFO, FATAL]);
    detach();
    tap.write(INFO);
    expect(printed).toEqual([FATAL, INFO]);
  });

  it('keeps the first lines of a start that nobody taps, and no more', () => {
    const { tap, seen, attach } = rig();
    for (let index = 0; index < 1000; index += 1) tap.write(INFO);
    attach();
    expect(seen).toHaveLength(256);
  });
});
