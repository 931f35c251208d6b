import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../runtime/logging/log-record.ts';
import type { LogSink } from '../../../runtime/logging/log-sink.ts';
import { outputsOf, showsOwn } from '../../../runtime/logging/outputs.ts';
import { ownLine } from '../../../runtime/logging/own-line.ts';
import { stdoutSink } from '../../../runtime/logging/stdout.ts';
import { stampOf } from '../../../runtime/logging/timestamp-format.ts';
import { record } from './bench.ts';

const sink = (): LogSink => ({ write: () => undefined, transition: () => undefined, stop: async () => undefined });
const sinks = { disk: sink(), stdout: sink(), update: sink() };
const NAMES = new Map<LogSink, string>([
  [sinks.disk, 'disk'],
  [sinks.stdout, 'stdout'],
  [sinks.update, 'update'],
]);

const RECORDS = {
  app: record('x'),
  console: record('x', { source: 'lxc/console.log' }),
  own: record('x', { platform: 'pantavisor', isOwn: true }),
  error: record('x', { level: 1 }),
  fatal: record('x', { level: 0 }),
  debug: record('x', { level: 4 }),
} satisfies Record<string, LogRecord>;

/** Who gets which. */
const given = (tokens: readonly string[], { level = 3, capture = true } = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(
    outputsOf({ tokens, level, capture }, sinks).map(({ sink: to, accepts }) => [
      NAMES.get(to) ?? '',
      Object.entries(RECORDS)
        .flatMap(([name, one]) => (accepts(one) ? [name] : []))
        .join(' '),
    ]),
  );

describe('PV_LOG_SERVER_OUTPUTS', () => {
  it.each([
    [['filetree'], { disk: 'app console own error fatal', update: 'console error fatal' }],
    [['singlefile'], { disk: 'app console own error fatal', update: 'console error fatal' }],
    [['nullsink'], { update: 'console error fatal' }],
    [['stdout'], { stdout: 'app console own error fatal debug', update: 'console error fatal' }],
    [['stdout.containers'], { stdout: 'app console error fatal debug', update: 'console error fatal' }],
    [['stdout.pantavisor'], { stdout: 'own', update: 'console error fatal' }],
    [
      ['filetree', 'stdout_direct'],
      { disk: 'app console own error fatal', stdout: 'console', update: 'console error fatal' },
    ],
  ])('%j', (tokens, expected) => {
    expect(given(tokens)).toEqual(expected);
  });

  it('keeps from the disk what is less urgent than PV_LOG_LEVEL, but never FATAL', () => {
    expect(given(['filetree'], { level: 4 })['disk']).toBe('app console own error fatal debug');
    expect(given(['filetree'], { level: 1 })['disk']).toBe('error fatal');
    expect(given(['filetree'], { level: -1 })['disk']).toBe('fatal');
  });

  it('is as good as none when PV_LOG_CAPTURE is off', () => {
    expect(given(['filetree', 'stdout'], { capture: false })).toEqual({});
  });

  it.each([
    [['stdout'], true],
    [['filetree', 'stdout.pantavisor'], true],
    [['filetree', 'stdout.containers', 'stdout_direct'], false],
  ])('shows the daemon itself by way of the server with %j: %s', (tokens, expected) => {
    expect(showsOwn({ tokens, level: 3, capture: true })).toBe(expected);
    expect(showsOwn({ tokens, level: 3, capture: false })).toBe(false);
  });
});

describe('stdout', () => {
  it('shows a line for each line, with a time if there is a format', async () => {
    const printed: string[] = [];
    let format: string | undefined;
    const print = async (text: Buffer): Promise<void> => void printed.push(text.toString());
    const { write } = stdoutSink(print, () => stampOf(format));
    await write([record('one\ntwo\n'), record('three', { level: 1, source: 'b' })]);
    format = 'strftime:%Y';
    await write([record('four', { timeMs: new Date(2026, 5, 1).getTime() })]);
    expect(printed).toEqual([
      '[web] 7 INFO\t -- [app]: one\n[web] 7 INFO\t -- [app]: two\n[web] 7 ERROR\t -- [b]: three\n',
      '[web] [2026] 7 INFO\t -- [app]: four\n',
    ]);
  });
});

describe('time formats', () => {
  const at = new Date(2026, 10, 8, 9, 5, 3).getTime();
  const zone = /[+-]\d{4}$/.exec(stampOf('strftime:%z')?.(at) ?? '')?.[0];
  it.each([
    ['strftime:%Y-%m-%d %H:%M:%S', '2026-11-08 09:05:03'],
    ['golang:ANSIC', 'Sun Nov  8 09:05:03 2026'],
    ['golang:RubyDate', `Sun Nov 08 09:05:03 ${zone} 2026`],
    ['golang:RFC822Z', `08 Nov 26 09:05 ${zone}`],
    ['golang:RFC1123Z', `Sun, 08 Nov 2026 09:05:03 ${zone}`],
    ['golang:Layout', `11/08 09:05:03AM '26 ${zone}`],
    ['strftime:', '--'],
    ['strftime:%n', '--'],
  ])('%s', (format, expected) => {
    expect(stampOf(format)?.(at)).toBe(expected);
  });

  it.each([undefined, '', 'golang:Kitchen', 'golang:constructor', '%Y', 'strftime'])('%s is none', (format) => {
    expect(stampOf(format)).toBeUndefined();
  });

  it('write what they can of any format and any time', () => {
    expect(stampOf('strftime:%Y')?.(Number.NaN)).toBe('--');
    expect(stampOf(`strftime:${'%c'.repeat(100)}`)?.(at).length).toBeLessThanOrEqual(128);
  });
});

describe('a line of the daemon', () => {
  it.each([
    ['{"level":30,"time":"x","ref":"container/web","revision":"1","msg":"started"}', 3, 'container/web', 'started'],
    ['{"level":40,"time":"x","subject":"/a/b","msg":"is odd","code":5}', 2, 'daemon', '/a/b: is odd {"code":5}'],
    ['{"level":60,"err":{"stack":"Error: x\\n  at y"},"msg":"bug"}', 0, 'daemon', 'bug\nError: x\n  at y'],
    ['{"level":10}', 5, 'daemon', ''],
  ])('%s', (json, level, source, text) => {
    expect(ownLine(json)).toEqual({ level, source, text });
  });

  it('has the time at which it was said', () => {
    expect(ownLine('{"level":30,"time":"2026-11-28T22:15:00.250Z","msg":"x"}').timeMs).toBe(
      Date.UTC(2026, 10, 28, 22, 15) + 250,
    );
  });
});
