import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../../runtime/host/host.ts';
import { bench, LOGS, record } from './bench.ts';

const KB = 1024;
/** total 100 KB: high 90 KB, low 75 KB, a file 5 KB. */
const SMALL = { budget: { maxSize: '100K' } };
const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${from + index}\n`).join('');

describe('the tree of log files', () => {
  it('keeps what containers send as it is, and adds the newline that text formats lack', async () => {
    const { write, read } = await bench();
    await write(record('par'), record('tial\nnext\n'), record('a message', { isText: true, source: '/var/log/x' }));
    expect(await read('1/web/app')).toBe('partial\nnext\n');
    expect(await read('1/web/var/log/x')).toBe('a message\n');
  });

  it('has one file for all of Pantavisor, a labelled line for each line', async () => {
    const { write, read } = await bench();
    const own = { platform: 'pantavisor', isOwn: true, source: 'main', level: 4 as const };
    await write(record('one\ntwo\n', own), record('three', { ...own, platform: 'pantavisor-x', source: 'y' }));
    expect(await read('1/pantavisor/pantavisor.log')).toBe(
      '[pantavisor] 7 DEBUG\t -- [main]: one\n[pantavisor] 7 DEBUG\t -- [main]: two\n' +
        '[pantavisor-x] 7 DEBUG\t -- [y]: three\n',
    );
  });

  it('stamps every line but the blank ones', async () => {
    const filetreeStamp = (timeMs: number): string => `at ${timeMs}`;
    const { write, read } = await bench({ layout: { filetreeStamp } });
    await write(
      record('one\n\r\ntwo\n', { timeMs: 5 }),
      record('x', { platform: 'pantavisor', isOwn: true, source: 's' }),
    );
    expect(await read('1/web/app')).toBe('[at 5] one\n\r\n[at 5] two\n');
    expect(await read('1/pantavisor/pantavisor.log')).toBe('[pantavisor] [at 0] 7 INFO\t -- [s]: x\n');
  });

  it('writes pv.log, one JSON object for each line, with or without the tree', async () => {
    const { write, read, sizes } = await bench({
      layout: { filetree: false, singlefile: true, singlefileStamp: () => 'T' },
    });
    await write(record('say "hi"\r\nbye'));
    expect(await read('1/pv.log')).toBe(
      '{"tsec":7,"tnano":0,"ts":"T","platform":"web","lvl":"INFO","src":"app","msg":"say \\"hi\\""}\n' +
        '{"tsec":7,"tnano":0,"ts":"T","platform":"web","lvl":"INFO","src":"app","msg":"bye"}\n',
    );
    expect([...(await sizes()).keys()]).toEqual(['1/pv.log']);
  });

  it('goes on in the directory of another revision', async () => {
    const { write, sink, read } = await bench();
    await write(record('old\n'));
    await sink.transition('locals/next');
    await write(record('new\n'));
    expect([await read('1/web/app'), await read('locals/next/web/app')]).toEqual(['old\n', 'new\n']);
  });

  it('puts late lines of another revision where they belong, in the tree and in pv.log', async () => {
    const { write, sink, read } = await bench({ layout: { singlefile: true } });
    await write(record('old\n'));
    await sink.transition('locals/next');
    await write(record('new\n'), record('late\n', { revision: '1' }), record('said so\n', { revision: 'locals/next' }));
    expect([await read('1/web/app'), await read('locals/next/web/app')]).toEqual(['old\nlate\n', 'new\nsaid so\n']);
    expect(await read('1/pv.log')).toContain('late');
    expect(await read('locals/next/pv.log')).not.toContain('late');
  });

  it('gives each revision its own 128 files of a platform, also for late lines', async () => {
    const { write, sink, read } = await bench({ revision: 'locals/a' });
    for (let at = 0; at < 128; at += 1) await write(record('x\n', { source: `s${at}` }));
    await sink.transition('locals/b');
    await write(record('late\n', { revision: 'locals/a', source: 'more' }), record('new\n', { source: 'more' }));
    expect(await read('locals/a/web/more')).toBeUndefined();
    expect(await read('locals/a/web/others.log')).toContain('late');
    expect(await read('locals/b/web/more')).toBe('new\n');
  });

  it('gives a platform 128 files, and one for all its other sources', async () => {
    const { write, sizes, read, again } = await bench();
    for (let source = 0; source < 2000; source += 1) await write(record(`${source}\n`, { source: `s${source}` }));
    expect((await sizes()).size).toBe(129);
    await write(record('other\n', { platform: 'db' }));
    expect(await read('1/db/app')).toBe('other\n');
    expect(await read('1/web/others.log')).toContain('[web] 7 INFO\t -- [s1999]: 1999\n');
    const next = await again();
    await next.write(record('late\n', { source: 'new' }), record('more\n', { source: 's5' }));
    expect((await next.sizes()).size).toBe(130);
    expect(await next.read('1/web/s5')).toBe('5\nmore\n');
  });

  it('neither syncs nor opens files without end for a flood of sources', async () => {
    const { write, host } = await bench();
    for (let round = 0; round < 3; round += 1)
      for (let at = 0; at < 400; at += 1) await write(record('x\n', { platform: `p${at % 4}`, source: `s${at}` }));
    const open = host.trace.filter(({ name }) => name === 'open').length - 1; // the notes
    const closed = host.trace.filter(({ port, name }) => port === 'logs' && name === 'close').length;
    expect(open - closed).toBeLessThanOrEqual(256);
    expect(host.trace.filter(({ name }) => name === 'sync')).toEqual([]);
  });

  it('makes a file anew that somebody removed', async () => {
    const { write, host, read } = await bench();
    await write(record('one\n'));
    host.mischief.removeTree(`${LOGS}/1`);
    await host.advance(1_000);
    await write(record('two\n'));
    expect(await read('1/web/app')).toBe('two\n');
  });

  it('is on the disk ten seconds later, and not sooner', async () => {
    const before = await bench();
    await before.write(record('lost\n'));
    const cut = await before.again('power cut');
    const seen = await cut.read('1/web/app');
    expect(['', undefined, 'lost\n']).toContain(seen);
    await cut.write(record('kept\n'));
    await cut.host.advance(10_000);
    expect(cut.host.trace.filter(({ name }) => name === 'sync')).toHaveLength(1);
    expect(cut.host.timers).toBe(0);
    expect(await (await cut.again('power cut')).read('1/web/app')).toBe(`${seen ?? ''}kept\n`);
  });

  it('loses nothing to a daemon that is killed, nor to one that stops before the power does', async () => {
    const first = await bench();
    await first.write(record('one\n'));
    const second = await first.again();
    await second.write(record('two\n'));
    await second.sink.stop();
    expect(second.host.timers).toBe(0);
    expect(await (await second.again('power cut')).read('1/web/app')).toBe('one\ntwo\n');
  });
});

describe('rotation', () => {
  it('makes an archive of a file that reaches its limit, the next number each time, and loses no line', async () => {
    const { write, whole, sizes } = await bench(SMALL);
    for (let at = 0; at < 2000; at += 10) await write(record(lines(at, 10)));
    const names = [...(await sizes()).keys()].sort();
    expect(names).toEqual(['1/web/app', '1/web/app.1.gz', '1/web/app.2.gz', '1/web/app.3.gz']);
    expect(await whole('1/web/app')).toBe(lines(0, 2000));
  });

  it('goes on counting where an earlier daemon stopped', async () => {
    const first = await bench(SMALL);
    await first.write(record(lines(0, 700)));
    const second = await first.again();
    await second.write(record(lines(700, 700)));
    expect([...(await second.sizes()).keys()].sort()).toEqual(['1/web/app.1.gz', '1/web/app.2.gz']);
    expect(await second.whole('1/web/app')).toBe(lines(0, 1400));
  });

  it('keeps every line whichever step of it is the last one of a daemon', async () => {
    const first = await bench(SMALL);
    const from = first.host.trace.length;
    await first.write(record(lines(0, 700)));
    const steps = first.host.trace.length - from;
    expect(steps).toBeGreaterThan(5);
    for (const fault of ['crash', 'tear'] as const)
      for (let step = 0; step < steps; step += 1) {
        const cut = await bench(SMALL);
        await cut.write(record(lines(0, 100)));
        const begin = (cut.host.trace.at(-1)?.index ?? 0) + 1;
        cut.host.faults = { before: ({ index }) => (index === begin + step ? fault : undefined) };
        await cut.write(record(lines(100, 600)));
        const next = await cut.again();
        await next.host.advance(1_000);
        const text = await next.whole('1/web/app');
        // A torn append is a beginning of it.
        expect(lines(0, 700).startsWith(text) && text.length >= lines(0, 100).length, `${fault} at ${step}`).toBe(true);
        expect([...(await next.sizes()).keys()].filter((name) => /rotating|pvtmp/.test(name))).toEqual([]);
      }
  });

  it('lets a file grow while the one before it is compressed, up to four times its limit', async () => {
    const { write, host, sizes, problems } = await bench(SMALL);
    host.faults = { before: ({ name }) => (name === 'compress' ? { delayMs: 60_000 } : undefined) };
    const writing = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at += 1) await write(record('x'.repeat(KB)));
    };
    await writing(40);
    expect((await sizes()).get('1/web/app')).toBe(20 * KB);
    expect(problems).toEqual(['1/web/app: log lines are lost: they come faster than they can be compressed']);
    host.faults = {};
    await host.advance(60_000);
    await writing(1);
    await host.advance(10_000);
    expect([...(await sizes()).keys()].some((name) => name.endsWith('.gz'))).toBe(true);
  });
});

describe('the marks', () => {
  const noise = (bytes: number): string => {
    let state = 1;
    return Array.from({ length: bytes }, () => {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      return String.fromCharCode(33 + ((state >> 16) % 90));
    }).join('');
  };

  it('hold, however much is written, by whom, and under how many names', async () => {
    const { write, sizes, host } = await bench(SMALL);
    for (let round = 0; round < 300; round += 1) {
      const source = `s${round % 7}`;
      await write(record(noise(KB), { source, platform: round % 3 === 0 ? 'web' : 'db' }));
      const total = [...(await sizes()).values()].reduce((sum, size) => sum + size, 0);
      expect(total).toBeLessThanOrEqual(100 * KB + 2 * KB);
    }
    await host.settle();
  });

  it('take what waits for its compression, too, which is no problem then', async () => {
    const { write, sizes, host, problems } = await bench(SMALL);
    host.faults = { before: ({ name }) => (name === 'compress' ? { delayMs: 5_000 } : undefined) };
    for (let round = 0; round < 200; round += 1) await write(record(noise(KB), { source: `s${round % 30}` }));
    expect([...(await sizes()).values()].reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(102 * KB);
    await host.advance(300_000);
    expect(problems.filter((problem) => problem.includes('compress'))).toEqual([]);
  });

  it('hold for live files, too, when there are too many of them', async () => {
    const { write, sizes } = await bench(SMALL);
    for (let round = 0; round < 400; round += 1) await write(record(noise(KB), { source: `s${round % 100}` }));
    const total = [...(await sizes()).values()].reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(102 * KB);
  });

  it('are walked for when they are reached, and not for each record', async () => {
    const { write, host } = await bench(SMALL);
    for (let round = 0; round < 80; round += 1) await write(record('x'.repeat(100)));
    expect(host.trace.filter(({ port, name }) => port === 'logs' && name === 'list')).toHaveLength(1);
  });

  it('follow the settings', async () => {
    const budget = { maxSize: '100K' };
    const { write, sizes } = await bench({ budget });
    await write(record('x'.repeat(4 * KB)));
    budget.maxSize = '10M';
    for (let round = 0; round < 60; round += 1) await write(record('x'.repeat(KB)));
    budget.maxSize = '100K';
    for (let round = 0; round < 60; round += 1) await write(record('x'.repeat(KB)));
    expect([...(await sizes()).keys()].filter((name) => name.endsWith('.gz')).length).toBeGreaterThan(0);
  });

  it('are the default for a size that makes no sense, which is told once', async () => {
    const { write, problems } = await bench({ budget: { maxSize: 'lots' } });
    for (let round = 0; round < 120; round += 1) await write(record('x'));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('PV_LOG_DIR_MAXSIZE is "lots", expected bytes such as 16M');
  });
});

describe('a disk that says no', () => {
  const ALL = [
    'open',
    'append',
    'rename',
    'compress',
    'remove',
    'list',
    'room',
    'sync',
    'close',
    'isNamed',
    'truncate',
  ];

  it.each(ALL.flatMap((name) => ['ENOSPC', 'EIO', 'EROFS'].map((code) => [name, code] as const)))(
    'to %s with %s costs log lines at most, and is told once',
    async (name, code) => {
      const { write, host, problems, read, sink } = await bench(SMALL);
      await write(record('before\n'));
      host.faults = {
        before: (operation) =>
          operation.port === 'logs' && operation.name === name
            ? new DeviceError(name, operation.subject, code, 'simulated')
            : undefined,
      };
      for (let round = 0; round < 60; round += 1) {
        await write(record(lines(round * 100, 100)), record('y'.repeat(3 * KB), { source: 'b' }));
        await host.advance(500);
      }
      await host.advance(10_000);
      const told = problems.length;
      expect(told).toBeLessThanOrEqual(name === 'compress' ? 4 : 3);
      if (name === 'append' || name === 'open') expect(problems[0]).toBe(`logs: log lines are lost: ${code}`);
      host.faults = {};
      await host.advance(12_000);
      // The first one may find no room, and makes some.
      await write(record('first\n'));
      await write(record('after\n'));
      expect((await read('1/web/app'))?.endsWith('after\n')).toBe(true);
      await sink.stop();
      if (name === 'append') expect(problems.at(-1)).toMatch(/^logs: log lines are kept again; \d{3,} were lost$/);
    },
  );

  it('about one name costs the lines of that name only', async () => {
    const { write, problems, read } = await bench();
    await write(record('x\n', { source: 'a' }));
    await write(record('lost\n', { source: 'a/b' }), record('y\n', { source: 'c' }));
    expect(await read('1/web/c')).toBe('y\n');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('1/web/a/b: log lines are lost');
  });

  it('is not asked again for a second after it said no, and then it is', async () => {
    const { write, host, read } = await bench();
    await write(record('one\n'));
    let appends = 0;
    host.faults = {
      before: ({ port, name }) => {
        if (port !== 'logs' || name !== 'append') return undefined;
        appends += 1;
        return new DeviceError('append', 'x', 'ENOSPC', 'simulated');
      },
    };
    await write(record('lost\n'), record('lost too\n', { source: 'other' }));
    await host.advance(999);
    await write(record('lost as well\n'));
    expect(appends).toBe(1);
    await host.advance(1);
    await write(record('asked again\n'));
    expect(appends).toBe(2);
    host.faults = {};
    await host.advance(1_000);
    await write(record('two\n'));
    expect(await read('1/web/app')).toBe('one\ntwo\n');
  });

  it('leaves no half line of a full disk for the next one to be joined to', async () => {
    const { write, host, read } = await bench();
    await write(record('one\n'));
    host.mischief.leaveFree(LOGS, 0);
    await write(record(`${'x'.repeat(100 * KB)}\n`));
    host.mischief.leaveFree(LOGS, 1 << 20);
    await host.advance(1_000);
    await write(record('two\n'));
    expect(await read('1/web/app')).toBe('one\ntwo\n');
  });
});
