import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused, type Message, type Parsed } from '../../../resources/log-format/message.ts';
import { parseMessage } from '../../../resources/log-format/parse.ts';

/** Saturday, in local time. */
const NOW = new Date(2026, 10, 28, 22, 15).getTime();

const binary = (code: number, body: string, length = Buffer.byteLength(body)): Buffer => {
  const head = Buffer.alloc(8);
  head.writeInt32LE(code, 0);
  head.writeInt32LE(length, 4);
  return Buffer.concat([head, Buffer.from(body)]);
};

const parse = (message: string | Buffer): Parsed => parseMessage(Buffer.from(message), NOW);

/** What was understood, in short: `LEVEL source: data`, or why not. */
const shown = (message: string | Buffer): string => {
  const parsed = parse(message);
  if (isRefused(parsed)) return `refused: ${parsed.refused}`;
  const { platform, level, source, data } = parsed;
  return `${platform === undefined ? '' : `${platform} `}${level} ${source}: ${data.toString()}`;
};

const understood = (message: string | Buffer): Message => {
  const parsed = parse(message);
  if (isRefused(parsed)) throw new Error(parsed.refused);
  return parsed;
};

describe('binary messages', () => {
  it.each([
    ['a line', binary(0, '3\0web\0/var/log/messages\0hello\n'), 'web 3 /var/log/messages: hello\n'],
    ['no data', binary(0, '0\0web\0app\0'), 'web 0 app: '],
    ['data with NUL', binary(0, '5\0web\0app\0a\0b'), 'web 5 app: a\0b'],
    ['an unnamed level', binary(0, '6\0web\0app\0x'), 'web 5 app: x'],
    ['more than it says', binary(0, '3\0web\0app\0xy', 11), 'web 3 app: x'],
    ['less than it says', binary(0, '3\0web\0app\0x', 1000), 'web 3 app: x'],
    ['empty names', binary(0, '3\0\0\0x'), ' 3 : x'],
    ['no end of the source', binary(0, '3\0web\0app'), expect.stringMatching(/^refused: .*do not end/)],
    ['an end beyond the length', binary(0, '3\0web\0app\0x', 8), expect.stringMatching(/^refused: .*do not end/)],
    ['no level', binary(0, '\0web\0app\0x'), expect.stringMatching(/^refused: .*level is no number/)],
    ['a negative length', binary(0, '3\0web\0app\0x', -5), expect.stringMatching(/^refused: /)],
    ['a command', binary(256, '{"code":1,"data":"(null)"}'), expect.stringMatching(/^refused: a command/)],
  ])('%s', (_, message, expected) => {
    expect(shown(message)).toEqual(expected);
  });
});

describe('JSON messages', () => {
  it.each([
    ['{"version":"0","level":"info","src":"myapp","message":"text"}', '3 myapp: text'],
    ['{"version":"0","level":"info","src":"myapp","message":"text"}\n', '3 myapp: text'],
    [' { "message": "x", "src": "a", "more": [1, {}], "version": "0.1", "level": "INFORMATION" }', '3 a: x'],
    ['{"version":"0","level":"error","src":"a","message":"say \\"hi\\"\\n"}', '1 a: say \\"hi\\"\\n'],
    ['{"version":"0","level":"warning","src":"ü","message":"ä €"}', '2 ü: ä €'],
    [
      '{"version":"1","level":"info","src":"a","message":"x"}',
      'refused: a JSON message whose version does not begin with 0',
    ],
    [
      '{"version":"0","level":"ALL","src":"a","message":"x"}',
      'refused: a JSON message whose level is no name of a level',
    ],
    ['{"version":"0","level":"info","src":"a"}', 'refused: a JSON message without "message"'],
    ['[{"version":"0"}]', 'refused: neither syslog, JSON, key=value pairs nor binary'],
    [
      '{"version":"0","level":"info","src":"a","message":"x"',
      'refused: neither syslog, JSON, key=value pairs nor binary',
    ],
    [`{"a":${'['.repeat(9999)}`, 'refused: neither syslog, JSON, key=value pairs nor binary'],
  ])('%j', (message, expected) => {
    expect(shown(message)).toBe(expected);
  });
});

describe('key-value messages', () => {
  it.each([
    ['level=INFO src=myapp message="some text"', '3 myapp: some text'],
    ['message = hello  level = debug\nsrc = "a b"', '4 a b: hello'],
    ['level=fatal src=a message="say \\"hi\\""', '0 a: say \\"hi\\"'],
    ['level=info src=a message=x more=y', '3 a: x'],
    ['level=info src=a message=x=y', '3 a: x=y'],
    ['level=info more=y src=a message=x', 'refused: neither syslog, JSON, key=value pairs nor binary'],
    ['level=info src=a message=', 'refused: a key-value message with a key that has no value'],
    ['level=loud src=a message=x', 'refused: a key-value message whose level is no name of a level'],
    ['level=all src=a message=x', 'refused: a key-value message whose level is no name of a level'],
    ['level=info src=a', 'refused: neither syslog, JSON, key=value pairs nor binary'],
    ['level=info src=a message="x', 'refused: a key-value message with a key that has no value'],
  ])('%j', (message, expected) => {
    expect(shown(message)).toBe(expected);
  });
});

describe('RFC 3164', () => {
  it.each([
    ['<13>Nov 28 22:15:00 app[12]: hello', '3 app: hello'],
    ['<13>Nov 28 22:15:00 host app[12]: hello: world', '3 app: hello: world'],
    ['<13>Nov 28 22:15:00 app: hello host: x', '3 app: hello host: x'],
    ['<13>Nov 28 22:15:00 fe80::1 app: hello', '3 app: hello'],
    ['<13>Nov 28 22:15:00 it is 12:30 now', '3 unknown-app: it is 12:30 now'],
    ['<13>Nov 28 22:15:00 app:', '3 app: '],
    ['<8>nov  1 00:00:00 a: x\0', '0 a: x'],
    ['<11>November 28 22:15:00 a: x\n', '1 a: x'],
    ['<4>Nov 28 22:15:00 a: x', '2 a: x'],
    ['<999>Nov 28 22:15:00 a: x', '4 a: x'],
    ['<13>app: hello', 'refused: an RFC 3164 message without a time such as "Nov 28 22:15:00"'],
    ['<1234>Nov 28 22:15:00 a: x', 'refused: an RFC 3164 message without a time such as "Nov 28 22:15:00"'],
    ['<13>Foo 28 22:15:00 a: x', 'refused: an RFC 3164 message whose time does not exist'],
    ['<13>Nov 42 22:15:00 a: x', 'refused: an RFC 3164 message whose time does not exist'],
  ])('%j', (message, expected) => {
    expect(shown(message)).toBe(expected);
  });

  it('has the local time of this year, and of last year what would be far ahead', () => {
    expect(understood('<13>Nov 28 22:14:59 a: x').timeMs).toBe(NOW - 1000);
    expect(understood('<13>Dec 31 23:59:59 a: x').timeMs).toBe(new Date(2025, 11, 31, 23, 59, 59).getTime());
    expect(understood('<13>Nov 29 23:59:59 a: x').timeMs).toBe(new Date(2026, 10, 29, 23, 59, 59).getTime());
  });
});

describe('RFC 5424', () => {
  it.each([
    ['<165>1 2026-11-28T22:15:00Z host app 12 ID47 - hello world', '3 app: hello world'],
    ['<11>1 - - - - - - x', '1 unknown-app: x'],
    ['<11>1 - - app - - [a@1 k="v w" l="\\"]"][b] x y', '1 app: x y'],
    ['<11>1 - - app - - - \u00ef\u00bb\u00bfx', '1 app: x'],
    ['<11>1 - - app - - -', '1 app: '],
    ['<11>1 - - app - -', 'refused: an RFC 5424 message with fewer than its eight parts'],
    ['<11>1 - - app - - [a k="v x', 'refused: an RFC 5424 message whose structured data does not end'],
    ['<11>1 2026-13-28T22:15:00Z - app - - - x', 'refused: an RFC 5424 message whose time does not exist'],
    ['<11>1 yesterday - app - - - x', 'refused: an RFC 5424 message whose time does not exist'],
  ])('%j', (message, expected) => {
    expect(shown(Buffer.from(message, message.includes('\u00ef') ? 'latin1' : 'utf8'))).toBe(expected);
  });

  it('has the time it says, in its zone', () => {
    expect(understood('<11>1 2026-11-28T22:15:00.250+02:00 - a - - - x').timeMs).toBe(
      Date.UTC(2026, 10, 28, 20, 15) + 250,
    );
    expect(understood('<11>1 2026-11-28T22:15:00 - a - - - x').timeMs).toBe(NOW);
    expect(understood('<11>1 - - a - - - x').timeMs).toBeUndefined();
  });
});

describe('whatever is sent', () => {
  const beginnings = fc.constantFrom(
    '',
    '<13>',
    '<13>1 ',
    '{',
    '{"version":"0",',
    'level=info src=',
    '\0\0\0\0',
    '\0\x01\0\0',
  );
  it('is understood or refused, never an error, and keeps its bytes', () => {
    fc.assert(
      fc.property(beginnings, fc.uint8Array({ maxLength: 300 }), (beginning, rest) => {
        const parsed = parseMessage(Buffer.concat([Buffer.from(beginning, 'latin1'), rest]), NOW);
        if (!isRefused(parsed)) expect(parsed.data.length).toBeLessThanOrEqual(beginning.length + rest.length);
        else expect(parsed.refused).not.toBe('');
      }),
      { numRuns: 2000 },
    );
  });

  it('comes through in every text format as it was sent', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((word) => !/[\p{Cc}"\\]/u.test(word));
    fc.assert(
      fc.property(text, (word) => {
        for (const message of [
          `{"version":"0","level":"info","src":"a","message":"${word}"}`,
          `level=info src=a message="${word}"`,
          `<14>Nov 28 22:15:00 a: ${word}`,
          `<14>1 - - a - - - ${word}`,
        ])
          expect(shown(message)).toBe(`3 a: ${word}`);
      }),
    );
  });

  it('of any size takes time in proportion', () => {
    const size = 256 * 1024;
    for (const filling of [' ', '\n', '[', '"', '\\', 'a=', 'level=info ', '<1>', '[a k="', 'x '])
      for (const beginning of [
        '',
        '<13>Nov 28 22:15:00 ',
        '<13>1 - - a - - [',
        '<13>1 ',
        '{"a":',
        'message="',
        'level',
      ]) {
        const message = Buffer.from(beginning + filling.repeat(size / filling.length));
        const before = performance.now();
        parseMessage(message, NOW);
        // Quadratic would be minutes.
        expect(performance.now() - before).toBeLessThan(1000);
      }
  });
});
