import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame } from '../../../resources/log-format/framing.ts';
import { HANDOVER_BYTES, parseHandover } from '../../../resources/log-format/handover.ts';
import { kernelLine } from '../../../resources/log-format/kernel.ts';

const MAX = 64;
const LINE = '<13>Nov 28 22:15:00 a: ';

const binary = (body: string, length = body.length): string =>
  `\0\0\0\0${String.fromCharCode(length & 255, length >> 8, 0, 0)}${body}`;

const framed = (text: string, ended = false) => {
  const { messages, rest, isOver } = frame(Buffer.from(text, 'latin1'), ended, MAX);
  return { messages: messages.map((message) => message.toString('latin1')), rest: rest.toString('latin1'), isOver };
};
const whole = (...messages: readonly string[]) => ({ messages, rest: '', isOver: true });
const waiting = (rest: string, ...messages: readonly string[]) => ({ messages, rest, isOver: false });

describe('where a message ends', () => {
  it.each([
    ['nothing yet', '', false, waiting('')],
    ['nothing at all', '', true, whole()],
    ['a whole binary message', binary('3\0w\0a\0x'), false, whole(binary('3\0w\0a\0x'))],
    ['a binary message and more', `${binary('3\0w\0a\0x')}more`, false, whole(binary('3\0w\0a\0x'))],
    ['half a binary message', binary('3\0w\0a\0x', 20), false, waiting(binary('3\0w\0a\0x', 20))],
    ['half a binary message and no more to come', binary('3\0w\0a\0x', 20), true, whole(binary('3\0w\0a\0x', 20))],
    ['the beginning of anything', '\0\0', false, waiting('\0\0')],
    ['JSON while the client waits', '{"a":{"b":1}}', false, whole('{"a":{"b":1}}')],
    ['JSON that only seems to end', '{"a":{"b":1}', false, waiting('{"a":{"b":1}')],
    ['text without an end', 'level=info src=a', false, waiting('level=info src=a')],
    ['a line of text', 'level=info src=a\n', false, whole('level=info src=a\n')],
    ['text at its end', 'level=info', true, whole('level=info')],
    ['syslog, ended by a NUL', `${LINE}x\0`, false, waiting('', `${LINE}x`)],
    ['syslog, two lines and a half', `<1>a\n<2>b\n<3>c`, false, waiting('<3>c', '<1>a', '<2>b')],
    ['a syslog message of several lines', '<1>a\nb\0', false, waiting('', '<1>a\nb')],
    ['syslog at its end', '<1>a\0<2>b', true, whole('<1>a', '<2>b')],
    ['more than there may be', 'x'.repeat(MAX), false, whole('x'.repeat(MAX))],
  ])('%s', (_, text, ended, expected) => {
    expect(framed(text, ended)).toEqual(expected);
  });

  it('never loses, doubles or invents a byte', () => {
    const piece = fc.constantFrom('<13>', 'x', '\0', '\n', '{"a":1}', '<', 'level=', '\0\0\0\0');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, ended) => {
        const text = pieces.join('').slice(0, MAX);
        const { messages, rest, isOver } = framed(text, ended);
        let from = 0;
        for (const message of [...messages, rest]) {
          const at = text.indexOf(message, from);
          expect(at).toBeGreaterThanOrEqual(0);
          from = at + message.length;
        }
        if (ended) expect([rest, isOver]).toEqual(['', true]);
      }),
    );
  });
});

describe('what comes with a descriptor', () => {
  const bytes = (platform: string, source: string, level: number, action: number): Buffer => {
    const message = Buffer.alloc(HANDOVER_BYTES);
    message.write(platform, 0, 50);
    message.write(source, 50, 50);
    message.writeInt32LE(level, 100);
    message.writeInt32LE(action, 104);
    return message;
  };
  it.each([
    [bytes('web', 'lxc/console.log', 3, 1), { platform: 'web', source: 'lxc/console.log', level: 3, subscribe: true }],
    [bytes('web', 'a', 99, 0), { platform: 'web', source: 'a', level: 5, subscribe: false }],
    [bytes('w'.repeat(60), 'a', -1, 1), { platform: 'w'.repeat(50), source: 'a', level: 0, subscribe: true }],
    [bytes('web', 'a', 3, 2), { refused: expect.stringContaining('action 2') }],
    [Buffer.alloc(107), { refused: expect.stringContaining('107 bytes') }],
  ])('%#', (message, expected) => {
    expect(parseHandover(message)).toEqual(expected);
  });
});

describe('a record of the kernel', () => {
  it.each([
    ['6,339,5140900,-;NET: Registered protocol family 10\n', '[    5.140900] NET: Registered protocol family 10\n'],
    ['30,340,5690716,-,caller=T1;udevd[80]: x\n SUBSYSTEM=a\n DEVICE=b\n', '[    5.690716] udevd[80]: x\n'],
    ['4,1,123456789012345,c;late', '[123456789.012345] late\n'],
    ['nonsense', undefined],
    ['', undefined],
  ])('%j', (text, expected) => {
    expect(kernelLine(text)).toBe(expected);
  });
});
