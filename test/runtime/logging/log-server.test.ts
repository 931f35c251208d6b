import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../runtime/logging/log-record.ts';
import { type LogServer, startLogServer } from '../../../runtime/logging/log-server.ts';
import type { LogSink } from '../../../runtime/logging/log-sink.ts';
import { openReception } from '../../../runtime/logging/message-intake.ts';
import { record } from './bench.ts';

interface Rig {
  readonly server: LogServer;
  /** What the sink was told, in short. */
  readonly log: readonly string[];
  readonly told: readonly string[];
  /** Time goes on, and whoever waited for it is called. */
  pass(ms: number): void;
  /** Lets the sink write again. */
  release(): void;
  timers(): number;
  idle(): Promise<void>;
}

const rig = ({ slow = false, accepts = (_: LogRecord): boolean => true, commits = false } = {}): Rig => {
  const log: string[] = [];
  const told: string[] = [];
  const timers: { readonly atMs: number; readonly callback: () => void }[] = [];
  let nowMs = 0;
  let gate = Promise.withResolvers<void>();
  const sink: LogSink = {
    write: async (records) => {
      log.push(records.map(({ platform, data }) => `${platform}:${data.toString().slice(0, 9)}`).join(' '));
      if (slow) await gate.promise;
    },
    transition: (revision) => void log.push(`-> ${revision}`),
    stop: async () => void log.push('stopped'),
  };
  const clock = {
    nowMs: () => nowMs,
    schedule: (atMs: number, callback: () => void) => {
      const timer = { atMs, callback };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  const server = startLogServer({
    sinks: [sink],
    outputs: () => [{ sink, accepts, commits }],
    now: () => ({ timeMs: 1_000, tsec: 1 }),
    clock,
    onLoss: (platform, records) => told.push(`${platform} lost ${records}`),
    onBug: (error) => {
      throw error;
    },
  });
  return {
    server,
    log,
    told,
    timers: () => timers.length,
    pass: (ms) => {
      nowMs += ms;
      for (const timer of timers.filter(({ atMs }) => atMs <= nowMs)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.callback();
      }
    },
    release: () => {
      gate.resolve();
      gate = Promise.withResolvers();
    },
    idle: async () => {
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    },
  };
};

describe('the log server', () => {
  it('writes in batches what came in one turn of the event loop', async () => {
    const { server, log, idle } = rig();
    server.take(record('one'));
    server.take(record('two'));
    expect(log).toEqual([]);
    await idle();
    expect(log).toEqual(['web:one web:two']);
  });

  it('waits for a disk that is slow, and nobody waits with it', async () => {
    const { server, log, idle, release } = rig({ slow: true });
    server.take(record('one'));
    await idle();
    for (let index = 0; index < 3; index += 1) expect(server.take(record('two'))).toBe(true);
    await idle();
    expect(log).toEqual(['web:one']);
    release();
    await idle();
    expect(log).toEqual(['web:one', 'web:two web:two web:two']);
  });

  it('tells of what is lost, once for each burst, and has no timer otherwise', async () => {
    const { server, told, idle, pass, timers } = rig({ slow: true });
    server.take(record('first'));
    await idle();
    expect(timers()).toBe(0);
    const big = 'x'.repeat(64 << 10);
    let lost = 0;
    for (let index = 0; index < 90; index += 1) if (server.take(record(big)) === false && index > 65) lost += 1;
    expect(lost).toBeGreaterThan(5);
    expect(told).toEqual([]);
    expect(timers()).toBe(1);
    pass(5_000);
    expect(told).toEqual([expect.stringMatching(/^web lost \d+$/)]);
    expect(timers()).toBe(0);
    expect(server.take(record('x', { platform: 'other' }))).toBe(true);
    pass(60_000);
    expect(told).toHaveLength(1);
  });

  it('goes over to another revision between two batches', async () => {
    const { server, log, idle, release } = rig({ slow: true });
    server.take(record('old'));
    await idle();
    server.transition('2');
    server.transition('3');
    server.take(record('new'));
    release();
    await idle();
    expect(log).toEqual(['web:old', '-> 3', 'web:new']);
  });

  it('has the position of a followed file move on, although nobody wants its lines', async () => {
    const committed: string[] = [];
    const receipt = { identity: '1:2', from: 0, to: 3, commit: async () => void committed.push('yes') };
    const refusing = rig({ accepts: () => false, commits: true });
    refusing.server.take(record('one', { receipt }));
    await refusing.idle();
    expect(committed).toEqual(['yes']);
    const keeping = rig({ commits: true });
    keeping.server.take(record('one', { receipt }));
    await keeping.idle();
    expect(committed).toEqual(['yes']);
  });

  it('writes what waits before it ends', async () => {
    const { server, log } = rig();
    server.take(record('last'));
    await server.stop();
    expect(log).toEqual(['web:last', 'stopped']);
  });
});

describe('what comes in at the sockets', () => {
  it('is told of when it is no message, once for each burst and sender', async () => {
    const { server, log, idle } = rig();
    const refused: string[] = [];
    let fire: () => void = () => undefined;
    const reception = openReception({
      server,
      clock: {
        nowMs: () => 0,
        schedule: (_, callback) => {
          fire = callback;
          return () => undefined;
        },
      },
      onRefused: (platform, count, reason) => refused.push(`${platform} ${count}: ${reason}`),
    });
    for (const text of ['garbage', 'more', '{"version":"0"}'])
      reception.message({ container: 'web' }, Buffer.from(text));
    reception.message(undefined, Buffer.from('x'));
    reception.message({ container: 'web' }, Buffer.from('level=info src=a message=hello'));
    reception.kernel('6,1,5123456,-;usb 1-1: new device\n SUBSYSTEM=usb\n');
    reception.kernel('nonsense');
    await idle();
    expect(log).toEqual(['web:hello pantavisor:[    5.12']);
    expect(refused).toEqual([]);
    fire();
    expect(refused).toEqual([
      'web 3: neither syslog, JSON, key=value pairs nor binary',
      'unknown-platform 1: neither syslog, JSON, key=value pairs nor binary',
    ]);
  });
});
