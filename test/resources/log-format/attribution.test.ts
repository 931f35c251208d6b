import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { originOf, type Sender } from '../../../resources/log-format/attribution.ts';
import { recordOf } from '../../../runtime/logging/log-record.ts';

const WEB: Sender = { container: 'web' };

describe('whose a record is', () => {
  it.each([
    ['a container, whatever it says', WEB, 'other', { platform: 'web', isOwn: false }],
    ['a container that names Pantavisor', WEB, 'pantavisor', { platform: 'web', isOwn: false }],
    ['a container that says nothing', WEB, undefined, { platform: 'web', isOwn: false }],
    [
      'a container with a name like ours',
      { container: 'pantavisor-x' },
      undefined,
      { platform: 'pantavisor-x', isOwn: false },
    ],
    ['nobody', undefined, 'web', { platform: 'unknown-platform', isOwn: false }],
    ['a helper on the host that speaks for a container', 'host', 'web', { platform: 'web', isOwn: false }],
    ['a helper on the host', 'host', undefined, { platform: 'pantavisor', isOwn: true }],
    ['a helper on the host with a name', 'host', 'pantavisor-x', { platform: 'pantavisor-x', isOwn: true }],
    ['Pantavisor, as it calls itself', 'host', '_pv_', { platform: 'pantavisor', isOwn: true }],
    ['a helper on the host that names a path', 'host', '../../etc', { platform: 'pantavisor', isOwn: true }],
    ['a helper on the host that names a directory', 'host', '..', { platform: 'pantavisor', isOwn: true }],
  ] as const)('%s', (_, sender: Sender, platform, expected) => {
    const named = platform === undefined ? { source: 'app' } : { source: 'app', platform };
    expect(originOf(sender, named)).toEqual({ source: 'app', ...expected });
  });

  it.each([
    ['/var/log/messages', '/var/log/messages'],
    ['lxc/console.log', 'lxc/console.log'],
    ['../../other/app', 'other/app'],
    ['a//b/./c/', 'a/b/c'],
    ['', 'unknown-app'],
    ['///', 'unknown-app'],
    ['a\nb\0c', 'a_b_c'],
  ])('source %j is %j', (source, expected) => {
    expect(originOf(WEB, { source }).source).toBe(expected);
  });

  it('has names that are short, plain and no way out, whatever they were', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.string({ unit: 'binary', maxLength: 400 }),
        (platform, source) => {
          for (const sender of ['host', WEB, undefined] as const) {
            const origin = originOf(sender, { platform, source });
            expect(origin.platform).toMatch(/^[^/\p{Cc}]+$/u);
            expect(['.', '..']).not.toContain(origin.platform);
            expect(Buffer.byteLength(origin.platform)).toBeLessThanOrEqual(63);
            expect(Buffer.byteLength(origin.source)).toBeLessThanOrEqual(200);
            expect(origin.source).not.toMatch(/\p{Cc}/u);
            for (const part of origin.source.replace(/^\//, '').split('/')) expect(['', '.', '..']).not.toContain(part);
          }
        },
      ),
    );
  });

  it('does not keep the buffer that a message was read into', () => {
    const bytes = Buffer.from('text');
    const message = { source: 'app', level: 3, data: bytes, isText: true } as const;
    const record = recordOf(WEB, message, { timeMs: 5, tsec: 6 });
    bytes.fill(0);
    expect(record).toMatchObject({ data: Buffer.from('text'), timeMs: 5, tsec: 6 });
    expect(recordOf(WEB, { ...message, timeMs: 1 }, { timeMs: 5, tsec: 6 })).toMatchObject({ timeMs: 1, tsec: 6 });
  });
});
