import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { type Captures, type CapturesOptions, type Life, openCaptures } from '../../../runtime/logging/captures.ts';
import type { LogRecord } from '../../../runtime/logging/log-record.ts';

const CAPTURE = '/run/capture';
const rootOf = (name: string, initPid: number) => ({ path: `/roots/${name}-${initPid}`, isRight: async () => true });
/** Started in, and wanted by, revision 1. */
const life = (name: string, initPid?: number, more: Partial<Life> = {}): Life => ({
  ...{ name, startedIn: '1', wantedBy: '1', initPid, loggers: [{ path: '/var/log/app' }] },
  ...more,
});

interface Bench {
  readonly host: SimulatedHost;
  readonly captures: Captures;
  readonly forgotten: readonly string[];
  text(source: string): string;
  /** What of a console belongs to the log of a revision. */
  textOf(revision: string): string;
  follow(...lives: readonly Life[]): Promise<void>;
  add(path: string, text: string): Promise<void>;
}

const bench = async (options: Partial<CapturesOptions> = {}, given?: SimulatedHost): Promise<Bench> => {
  const host = given ?? simulatedHost();
  const { files } = host.operator;
  for (const directory of [`${CAPTURE}/web`, `${CAPTURE}/web-2`, '/roots/web-1/var/log', '/roots/web-2/var/log'])
    await files.makeDirectory(directory, 0o755);
  const records: LogRecord[] = [];
  const forgotten: string[] = [];
  const captures = openCaptures({
    files: host.followedFiles,
    clock: host.clock,
    directoryOf: ({ name, startedIn }) =>
      startedIn === '1' ? `${CAPTURE}/${name}` : `${CAPTURE}/${name}-${startedIn}`,
    leftBehind: async () => [],
    runRoot: { path: '', isRight: async () => true },
    rootOf,
    delivered: async (_, position) => position,
    whenRoom: (_, callback) => callback(),
    take: (record) => {
      records.push(record);
      void record.receipt?.commit();
    },
    now: () => ({ timeMs: 5, tsec: 7 }),
    followsLoggers: true,
    forget: async ({ name, startedIn }) => void forgotten.push(startedIn === '1' ? name : `${name} of ${startedIn}`),
    onProblem: () => undefined,
    onBug: (error) => {
      throw error;
    },
    ...options,
  });
  return {
    host,
    captures,
    forgotten,
    text: (source) =>
      records
        .filter((record) => record.source === source)
        .map(({ data }) => data.toString())
        .join(''),
    textOf: (revision) =>
      records
        .filter((record) => record.source === 'lxc/console.log' && record.revision === revision)
        .map(({ data }) => data.toString())
        .join(''),
    follow: async (...lives) => {
      captures.follow(lives);
      await host.advance(1_200); // it is taken up after a second
    },
    add: async (path, text) => {
      await files.append(path, text, 0o644);
      await host.advance(200);
    },
  };
};

describe('what is captured of containers', () => {
  it('is the console and the log of LXC, and the files inside, with their names', async () => {
    const { follow, add, text } = await bench();
    await follow(life('web', 1));
    await add(`${CAPTURE}/web/console.log`, 'console\n');
    await add(`${CAPTURE}/web/lxc.log`, 'lxc\n');
    await add('/roots/web-1/var/log/app', 'inside\n');
    expect([text('lxc/console.log'), text('lxc/lxc.log'), text('/var/log/app')]).toEqual([
      'console\n',
      'lxc\n',
      'inside\n',
    ]);
  });

  it('is a record of level INFO that is not our own', async () => {
    const records: LogRecord[] = [];
    const { follow, add } = await bench({ take: (record) => void records.push(record) });
    await follow(life('web', 1));
    await add(`${CAPTURE}/web/console.log`, 'x\n');
    expect(records[0]).toMatchObject({ platform: 'web', level: 3, isOwn: false, isText: false, timeMs: 5, tsec: 7 });
  });

  it('is of the container that runs now: the one before is read to its end', async () => {
    const { follow, add, text, host } = await bench();
    await follow(life('web', 1));
    await add('/roots/web-1/var/log/app', 'old\nlast');
    await follow(life('web'));
    await follow(life('web', 2));
    await add('/roots/web-1/var/log/app', 'nobody hears\n');
    await add('/roots/web-2/var/log/app', 'new\n');
    expect(text('/var/log/app')).toBe('old\nlastnew\n');
    expect(host.timers).toBe(0);
  });

  it('waits until it is known what is wanted, and goes on when nothing is wanted any more', async () => {
    const { follow, add, text } = await bench();
    await follow(life('web', 1, { loggers: undefined }));
    await add('/roots/web-1/var/log/app', 'one\n');
    expect(text('/var/log/app')).toBe('');
    await follow(life('web', 1));
    await follow(life('web', 1, { loggers: undefined }));
    await add('/roots/web-1/var/log/app', 'two\n');
    expect(text('/var/log/app')).toBe('one\ntwo\n');
  });

  it('is forgotten with the container, once its last words are read', async () => {
    const { follow, host, text, forgotten } = await bench();
    await follow(life('web', 1));
    await host.operator.files.append(`${CAPTURE}/web/console.log`, 'last words', 0o644);
    await follow();
    expect(text('lxc/console.log')).toBe('last words');
    expect(forgotten).toEqual(['web']);
    await host.advance(60_000);
    expect(host.timers).toBe(0);
  });

  it.each(['ENOENT', 'EBUSY'])('is no bug when it cannot be forgotten: %s', async (code) => {
    const problems: string[] = [];
    const { follow, add, text } = await bench({
      forget: () => Promise.reject(new DeviceError('rename', 'x', code)),
      onProblem: (subject, message) => problems.push(`${subject}: ${message}`),
    });
    await follow(life('web', 1));
    await follow();
    expect(problems).toHaveLength(code === 'EBUSY' ? 1 : 0);
    await follow(life('web', 2));
    await add(`${CAPTURE}/web/console.log`, 'again\n');
    expect(text('lxc/console.log')).toBe('again\n');
  });

  it('stays with a container that is back before it was forgotten', async () => {
    const { follow, captures, add, text, forgotten } = await bench();
    await follow(life('web', 1));
    captures.follow([]);
    await follow(life('web', 2));
    await add(`${CAPTURE}/web/console.log`, 'again\n');
    expect(text('lxc/console.log')).toBe('again\n');
    expect(forgotten.length).toBeLessThanOrEqual(1);
  });

  it.each(['lives on', 'comes and goes'])(
    'begins after a start, and has all that was said meanwhile: it %s',
    async (what) => {
      const { host, captures, follow, text, forgotten } = await bench();
      captures.follow([life('web', 1)]);
      await host.operator.files.append(`${CAPTURE}/web/console.log`, 'first words\n', 0o644);
      await host.advance(900);
      expect(text('lxc/console.log')).toBe('');
      await follow(...(what === 'lives on' ? [life('web', 1)] : []));
      expect(text('lxc/console.log')).toBe('first words\n');
      expect(forgotten).toEqual(what === 'lives on' ? [] : ['web']);
    },
  );

  it.each([true, false])('is read to its end when the containers end with the daemon: %s', async (isLast) => {
    const { host, captures, text } = await bench();
    captures.follow([life('web', 1)]);
    await host.operator.files.append(`${CAPTURE}/web/console.log`, 'only words', 0o644);
    captures.follow([]);
    await captures.stop(isLast);
    expect(text('lxc/console.log')).toBe(isLast ? 'only words' : '');
    expect(host.timers).toBe(0);
  });

  it('leaves the files inside alone without PV_LOG_LOGGERS', async () => {
    const { follow, add, text } = await bench({ followsLoggers: false });
    await follow(life('web', 1));
    await add('/roots/web-1/var/log/app', 'x\n');
    await add(`${CAPTURE}/web/console.log`, 'console\n');
    expect([text('/var/log/app'), text('lxc/console.log')]).toEqual(['', 'console\n']);
  });

  it('waits in its file while the log server has no room', async () => {
    const waiting: (() => void)[] = [];
    const { follow, add, host, text } = await bench({ whenRoom: (_, callback) => void waiting.push(callback) });
    await follow(life('web', 1));
    await add(`${CAPTURE}/web/console.log`, 'one\n');
    await add(`${CAPTURE}/web/console.log`, 'two\n');
    expect([text('lxc/console.log'), waiting.length]).toEqual(['', 1]);
    waiting.pop()?.();
    await host.advance(200);
    waiting.pop()?.();
    await host.advance(200);
    expect(text('lxc/console.log')).toBe('one\ntwo\n');
  });

  it('ends with everything read, or where it is', async () => {
    for (const isLast of [true, false]) {
      const { follow, host, text, captures } = await bench();
      await follow(life('web', 1));
      await host.operator.files.append(`${CAPTURE}/web/console.log`, 'last words', 0o644);
      const stopped = captures.stop(isLast);
      await host.advance(10);
      await stopped;
      expect(text('lxc/console.log')).toBe(isLast ? 'last words' : '');
      expect(host.timers).toBe(0);
    }
  });
});

describe('lines belong to the log of', () => {
  it('the revision that wants the container, from the moment it does', async () => {
    const { follow, add, textOf } = await bench();
    await follow(life('web', 1));
    await add(`${CAPTURE}/web/console.log`, 'of 1\n');
    await follow(life('web', 1, { wantedBy: '2' }));
    await add(`${CAPTURE}/web/console.log`, 'of 2\n');
    expect([textOf('1'), textOf('2')]).toEqual(['of 1\n', 'of 2\n']);
  });

  it('the last revision that wanted it, when it ends because of another one', async () => {
    const { follow, add, textOf } = await bench();
    await follow(life('web', 1, { wantedBy: '2' }));
    await follow(life('web', 1, { wantedBy: undefined }));
    await add(`${CAPTURE}/web/console.log`, 'goodbye\n');
    expect([textOf('1'), textOf('2')]).toEqual(['', 'goodbye\n']);
  });

  it('the revision that a container crashed in, although the one before it runs again when they are read', async () => {
    const { host, captures, follow, textOf, forgotten } = await bench();
    captures.follow([life('web', 2, { startedIn: '2', wantedBy: '2' })]);
    await host.operator.files.append(`${CAPTURE}/web-2/console.log`, 'panic: no disk', 0o644);
    captures.follow([life('web', undefined, { startedIn: '2', wantedBy: '2' })]);
    await follow(life('web', 1));
    expect([textOf('1'), textOf('2')]).toEqual(['', 'panic: no disk']);
    expect(forgotten).toEqual(['web of 2']);
  });

  it('the revision it was started in, when an earlier daemon died before it read them', async () => {
    const { host, follow, textOf, forgotten } = await bench({
      leftBehind: async () => [
        { name: 'web', startedIn: '2', isOnDevice: true },
        { name: 'gone', startedIn: '1', isOnDevice: false },
        { name: 'unseen', startedIn: '1', isOnDevice: true },
      ],
    });
    await host.operator.files.append(`${CAPTURE}/web-2/console.log`, 'panic', 0o644);
    await follow(life('web', 1));
    expect(textOf('2')).toBe('panic');
    expect(forgotten.toSorted()).toEqual(['gone', 'web of 2']);
  });
});

describe('a container that was read to its end', () => {
  it('has delivered all it said, a line without its end too, and is followed on', async () => {
    const { host, captures, add, text } = await bench();
    captures.follow([life('web')]);
    await host.operator.files.append(`${CAPTURE}/web/console.log`, 'one\npanic', 0o644);
    await captures.readToEnd('web', '1');
    expect(text('lxc/console.log')).toBe('one\npanic');
    await host.advance(1_200);
    await add(`${CAPTURE}/web/console.log`, '\ntwo\n');
    expect(text('lxc/console.log')).toBe('one\npanic\ntwo\n');
    await captures.stop(true);
    expect(host.timers).toBe(0);
  });

  it('may be one that nobody knows', async () => {
    const { captures } = await bench();
    await expect(captures.readToEnd('nobody', '1')).resolves.toBeUndefined();
  });
});

describe('a device whose file systems remember no position', () => {
  it('is told of once, and logs all the same', async () => {
    const host = simulatedHost();
    const problems: string[] = [];
    const { followedFiles } = host;
    const forgetful = {
      ...followedFiles,
      open: async (...args: Parameters<typeof followedFiles.open>) => {
        const file = await followedFiles.open(...args);
        return file && { ...file, remember: async () => false };
      },
    };
    const onProblem = (subject: string, message: string) => void problems.push(`${subject}: ${message}`);
    const { follow, add, text } = await bench({ files: forgetful, onProblem }, host);
    await follow(life('web', 1));
    await add(`${CAPTURE}/web/console.log`, 'one\n');
    await add(`${CAPTURE}/web/lxc.log`, 'two\n');
    await add(`${CAPTURE}/web/console.log`, 'three\n');
    expect([text('lxc/console.log'), text('lxc/lxc.log')]).toEqual(['one\nthree\n', 'two\n']);
    expect(problems).toEqual([expect.stringContaining('remembers no position')]);
  });
});
