import { throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { type Follower, type FollowOptions, follow } from '../../../runtime/logging/follower.ts';

const ROOT = { path: '/storage/root', isRight: async () => true };
const PATH = '/var/log/messages';
const FILE = `${ROOT.path}${PATH}`;

interface Bench {
  readonly host: SimulatedHost;
  readonly follower: Follower;
  readonly problems: readonly string[];
  text(): string;
  records(): readonly string[];
  add(text: string, path?: string): Promise<void>;
  /** The daemon dies and the next one follows. */
  again(): Promise<Bench>;
}

type Options = Partial<FollowOptions> & { readonly hold?: boolean };

const bench = async (options: Options = {}, given?: SimulatedHost): Promise<Bench> => {
  const host = given ?? simulatedHost();
  const { files } = host.operator;
  await files.makeDirectory(`${ROOT.path}/var/log`, 0o755);
  const records: string[] = [];
  const problems: string[] = [];
  const follower = follow({
    files: host.followedFiles,
    clock: host.clock,
    root: ROOT,
    path: PATH,
    isRing: false,
    delivered: async (_, position) => position,
    deliver: async (data, { commit }) => {
      records.push(data.toString());
      await commit();
    },
    remark: async (text) => void records.push(`<${text}>\n`),
    onProblem: (subject, message) => problems.push(`${subject}: ${message}`),
    onBug: (error) => {
      throw error;
    },
    ...options,
  });
  const settle = (): Promise<void> => host.advance(200);
  await settle();
  return {
    host,
    follower,
    problems,
    records: () => records,
    text: () => records.join(''),
    add: async (text, path = FILE) => {
      await files.append(path, text, 0o644);
      await settle();
    },
    again: () => bench(options, host.restarted()),
  };
};

describe('a file that is followed', () => {
  it('is read from its beginning, and then as it grows, in whole lines', async () => {
    const { host, add, text } = await bench();
    await add('one\ntwo\nthr');
    expect(text()).toBe('one\ntwo\n');
    await add('ee\n');
    expect(text()).toBe('one\ntwo\nthree\n');
    expect(host.timers).toBe(0);
  });

  it('is waited for without looking', async () => {
    const { host } = await bench();
    const calls = host.trace.length;
    await host.advance(3_600_000);
    expect(host.trace.length).toBe(calls);
    expect(host.timers).toBe(0);
  });

  it('is taken up where it was left when the daemon dies', async () => {
    const first = await bench();
    await first.add('one\n');
    first.host.crash();
    await first.host.operator.files.append(FILE, 'two\n', 0o644);
    const second = await first.again();
    expect(second.text()).toBe('two\n');
    await second.add('three\n');
    expect(second.text()).toBe('two\nthree\n');
  });

  it('begins anew when it was emptied, but for the hole that a writer leaves who did not notice', async () => {
    const { host, add, text } = await bench();
    await add('one one one\n');
    host.mischief.rot(FILE, '');
    await host.advance(200);
    await add('2\n');
    host.mischief.rot(FILE, '');
    await host.advance(200);
    await add(`${'\0'.repeat(14)}three\n`);
    expect(text()).toBe('one one one\n2\nthree\n');
  });

  it('gives way to a new one of its name, after what was still written to it', async () => {
    const { host, add, text } = await bench();
    await add('one\n');
    await host.operator.files.append(FILE, 'two\n', 0o644);
    await host.operator.files.rename(FILE, `${FILE}.1`);
    await add('late\n', `${FILE}.1`);
    await add('three\n');
    expect(text()).toBe('one\ntwo\nlate\nthree\n');
  });

  it('is read to its end first when it was renamed while no daemon ran', async () => {
    const first = await bench();
    await first.add('one\n');
    first.host.crash();
    const { files } = first.host.operator;
    await files.append(FILE, 'two\n', 0o644);
    await files.rename(FILE, `${FILE}.1`);
    await files.append(FILE, 'three\n', 0o644);
    expect((await first.again()).text()).toBe('two\nthree\n');
  });

  it('does not take up an older file that nobody ever followed', async () => {
    const host = simulatedHost();
    await host.operator.files.makeDirectory(`${ROOT.path}/var/log`, 0o755);
    await host.operator.files.append(`${FILE}.1`, 'old\n', 0o644);
    await host.operator.files.append(FILE, 'new\n', 0o644);
    expect((await bench({}, host)).text()).toBe('new\n');
  });

  it('is emptied once it is large and read', async () => {
    const { host, add, text } = await bench({ truncateAtBytes: 10 });
    await add('12345\n');
    await add('67890\n');
    await host.advance(1_000);
    expect((await host.operator.files.stat(FILE))?.sizeBytes).toBe(0);
    await add('again\n');
    expect(text()).toBe('12345\n67890\nagain\n');
  });

  it('comes in pieces when a line never ends', async () => {
    const { add, records } = await bench();
    await add('x'.repeat(10_000));
    expect(records().map(({ length }) => length)).toEqual([4095, 4095]);
    await add('\n');
    expect(records().join('')).toBe(`${'x'.repeat(10_000)}\n`);
  });

  it('is read to the last byte when its writer is gone', async () => {
    const { add, text, follower, host } = await bench();
    await add('one\nlast words');
    expect(text()).toBe('one\n');
    const finished = follower.finish();
    await host.advance(10);
    await finished;
    expect(text()).toBe('one\nlast words');
    expect(host.timers).toBe(0);
  });

  it('is read no faster than it may be kept', async () => {
    const { host, add, text } = await bench();
    await add('0123456789abcde\n'.repeat(400_000));
    await host.advance(4_000);
    const early = text().length;
    expect(early).toBeGreaterThan(1 << 20);
    expect(early).toBeLessThan(3 << 20);
    await host.advance(60_000);
    expect(text().length).toBe(6_400_000);
  });

  it('wakes nobody more than twenty times a second, however often it is touched', async () => {
    const { host, add } = await bench();
    const calls = host.trace.length;
    for (let at = 0; at < 1_000; at += 1) {
      await host.operator.files.append(FILE, 'x', 0o644);
      await host.advance(1);
    }
    const watches = host.trace.slice(calls).filter(({ name }) => name === 'read').length;
    expect(watches).toBeLessThan(60);
    await add('\n');
  });

  it.each(['open', 'stat', 'read', 'position', 'remember'])('is followed again after %s was refused', async (name) => {
    const { host, add, text, problems } = await bench();
    await add('one\n');
    host.faults = {
      before: (operation) =>
        operation.port === 'logs' && operation.name === name
          ? new DeviceError(name, operation.subject, 'EIO', 'simulated')
          : undefined,
    };
    await add('two\n');
    await host.advance(5_000);
    host.faults = {};
    await host.advance(5_000);
    await add('three\n');
    expect(text().replace('two\ntwo\n', 'two\n')).toBe('one\ntwo\nthree\n');
    expect(problems.length).toBeLessThanOrEqual(2);
  });
});

describe('a ring', () => {
  const turn = async ({ host }: Bench): Promise<void> => {
    await host.operator.files.rename(FILE, `${FILE}.1`);
  };

  it('is read over its turns', async () => {
    const device = await bench({ isRing: true });
    await device.add('one\n');
    await turn(device);
    await device.add('two\n');
    await turn(device);
    await device.add('three\n');
    expect(device.text()).toBe('one\ntwo\nthree\n');
  });

  it('is read from its older part when no daemon ran', async () => {
    const host = simulatedHost();
    await host.operator.files.makeDirectory(`${ROOT.path}/var/log`, 0o755);
    await host.operator.files.append(`${FILE}.1`, 'one\n', 0o644);
    await host.operator.files.append(FILE, 'two\n', 0o644);
    expect((await bench({ isRing: true }, host)).text()).toBe('one\ntwo\n');
  });

  it('says where something was overwritten before it was read', async () => {
    let go = (): void => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const seen: string[] = [];
    const device = await bench({
      isRing: true,
      deliver: async (data, { commit }) => {
        if (seen.length === 0) await held;
        seen.push(data.toString());
        await commit();
      },
      remark: async (text) => void seen.push(text),
    });
    await device.add('one\n');
    for (const text of ['two\n', 'three\n', 'four\n', 'five\n']) {
      await turn(device);
      await device.add(text);
    }
    go();
    await device.host.advance(1_000);
    expect(seen).toEqual(['one\n', expect.stringContaining('output is missing here'), 'four\n', 'five\n']);
  });
});

describe('a file that cannot be watched', () => {
  it('is looked at once a minute, which is told once', async () => {
    const host = simulatedHost();
    const refusal = new DeviceError('watch', PATH, 'ENOSPC', 'no watches left');
    const files = { ...host.followedFiles, watch: () => throwError(() => refusal) };
    const { add, text, problems } = await bench({ files }, host);
    await add('one\n');
    await host.advance(600_000);
    expect(text()).toBe('one\n');
    expect(problems).toHaveLength(1);
    const opened = host.trace.filter(({ name }) => name === 'open').length;
    expect(opened).toBeLessThan(60);
  });
});
