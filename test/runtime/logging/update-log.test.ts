import { BehaviorSubject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ContainerStatus } from '../../../resources/kinds/container.ts';
import { UPDATE, type UpdateStatus } from '../../../resources/kinds/update.ts';
import { progressOf } from '../../../resources/progress.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '../../../resources/snapshot.ts';
import { followUpdates } from '../../../runtime/device/update-logging.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { MAX_UPDATE_LOG_BYTES, openUpdateLog } from '../../../runtime/logging/update-log.ts';
import { record } from './bench.ts';

const trailOf = (revision: string): string => `/storage/trails/${revision}`;
const error = (text: string) => record(text, { level: 1, source: 'x' });

const make = async (given?: SimulatedHost) => {
  const host = given ?? simulatedHost();
  const problems: string[] = [];
  for (const revision of ['1', '2']) await host.operator.files.makeDirectory(`${trailOf(revision)}/.pv`, 0o755);
  const log = openUpdateLog({
    files: host.files,
    trailOf,
    onProblem: (subject, message) => problems.push(`${subject}: ${message}`),
  });
  const read = async (path: string): Promise<string | undefined> =>
    (await host.operator.files.read(`/storage/trails/${path}`, 1 << 20))?.toString();
  return { host, log, problems, read };
};

describe('the log of an update', () => {
  it('is kept as logs.tmp while it lasts, and is logs at its end', async () => {
    const { log, read } = await make();
    await log.write([error('too early')]);
    await log.begin('2');
    await log.write([error('one\n'), error('two "quoted"')]);
    const text =
      '{"tsec":7,"tnano":0,"platform":"web","lvl":"ERROR","src":"x","msg":"one"}\n' +
      '{"tsec":7,"tnano":0,"platform":"web","lvl":"ERROR","src":"x","msg":"two \\"quoted\\""}\n';
    expect(await read('2/.pv/logs.tmp')).toBe(text);
    expect(await log.end()).toBe(text);
    expect([await read('2/.pv/logs.tmp'), await read('2/.pv/logs')]).toEqual([undefined, text]);
    await log.write([error('too late')]);
    expect(await log.end()).toBeUndefined();
  });

  it('is found again when the daemon ended after its rename, until the revision is tried again', async () => {
    const first = await make();
    await first.log.begin('2');
    await first.log.write([error('one')]);
    const text = await first.log.end();
    const second = await make(first.host.restarted());
    expect(await second.log.finish('2')).toBe(text);
    await second.log.begin('2');
    expect(await second.log.end(), 'nothing of the earlier trial').toBeUndefined();
  });

  it('keeps the first bytes, over a restart too', async () => {
    const first = await make();
    await first.log.begin('2');
    for (let at = 0; at < 10; at += 1) await first.log.write([error(`${at} ${'x'.repeat(100)}`)]);
    const second = await make(first.host.restarted());
    await second.log.begin('2');
    for (let at = 10; at < 60; at += 1) await second.log.write([error(`${at} ${'x'.repeat(100)}`)]);
    const text = (await second.log.end()) ?? '';
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_UPDATE_LOG_BYTES);
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(11);
    expect(lines.map((line) => Number.parseInt(JSON.parse(line).msg, 10))).toEqual(lines.map((_, index) => index));
  });

  const printed = (text: string, more = {}) => record(text, { source: 'lxc/console.log', revision: '2', ...more });
  const messagesOf = (text: string | undefined): readonly string[] =>
    (text ?? '').split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).msg]));

  it('has the last lines of a container that crashed, of this update and no other', async () => {
    const { log } = await make();
    await log.begin('2');
    await log.write([printed('of the one before\n', { revision: '1' }), printed('of another\n', { platform: 'db' })]);
    await log.write([printed('first\nsecond: par'), printed('tial\nlast')]);
    await log.crashed('web');
    await log.write([printed('again\n')]);
    await log.crashed('web');
    expect(messagesOf(await log.end())).toEqual(['first', 'second: partial', 'last', 'again']);
  });

  it('has room for them however much went wrong before, and keeps to its size', async () => {
    const { log } = await make();
    await log.begin('2');
    for (let at = 0; at < 60; at += 1) await log.write([error(`${at} ${'x'.repeat(100)}`)]);
    for (let at = 0; at < 60; at += 1) await log.write([printed(`${'y'.repeat(100)}\n`), printed(`line ${at}\n`)]);
    await log.crashed('web');
    await log.crashed('web');
    const text = (await log.end()) ?? '';
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_UPDATE_LOG_BYTES);
    expect(messagesOf(text)[0]).toMatch(/^0 x/);
    expect(messagesOf(text).at(-1)).toBe('line 59');
  });

  it('says nothing of what a container prints that goes on', async () => {
    const { log } = await make();
    await log.begin('2');
    await log.write([printed('hello\n')]);
    expect(await log.end()).toBeUndefined();
  });

  it('is nothing when nothing went wrong', async () => {
    const { log, read } = await make();
    await log.begin('2');
    expect(await log.end()).toBeUndefined();
    expect(await read('2/.pv/logs')).toBeUndefined();
  });

  it('costs its lines and one word when the disk says no', async () => {
    const { log, host, problems } = await make();
    await log.begin('2');
    host.faults = {
      before: ({ name }) => (name === 'append' ? new DeviceError('append', 'x', 'ENOSPC', 'simulated') : undefined),
    };
    for (let at = 0; at < 5; at += 1) await log.write([error('x')]);
    expect(problems).toHaveLength(1);
  });
});

const status = (more: Partial<UpdateStatus>): UpdateStatus => ({
  committed: { revision: '1', hash: '' },
  failures: {},
  ...more,
});
const snapshotOf = (update: UpdateStatus, web?: ContainerStatus): Snapshot => ({
  ...EMPTY_SNAPSHOT,
  observed: { [UPDATE]: update, ...(web === undefined ? {} : { 'container/web': web }) },
});
const exited = (revision: string, exitedAtMs: number, run = {}): ContainerStatus => ({
  ...{ definition: '', generation: 0, revision, rank: 0, retries: 0 },
  ...{ phase: 'exited', exitedAtMs, exit: { type: 'code', code: 9 }, run: { startedAtMs: 0, volumes: {}, ...run } },
});
const trial = (revision: string) => ({ revision, hash: '', fallback: '1', startedAtMs: 0, interrupted: false });

describe('the progress of an update', () => {
  const following = async (first: UpdateStatus, given?: SimulatedHost) => {
    const { host, log, read } = await make(given);
    const progresses = new Map([['2', progressOf('ERROR', 'Internal error')]]);
    const snapshots = new BehaviorSubject(snapshotOf(first));
    followUpdates({
      ...{ snapshots, log, clock: host.clock },
      readToEnd: async (name, startedIn) => {
        await log.write([
          record(`last words of ${name} in ${startedIn}`, {
            source: 'lxc/console.log',
            platform: name,
            revision: startedIn,
          }),
        ]);
      },
      store: {
        progress: async (revision) => progresses.get(revision),
        setProgress: async (revision, progress) => void progresses.set(revision, progress),
      },
      onProblem: () => undefined,
      onBug: (bug) => {
        throw bug;
      },
    });
    await host.settle();
    const next = async (update: UpdateStatus, web?: ContainerStatus): Promise<void> => {
      snapshots.next(snapshotOf(update, web));
      await host.settle();
    };
    return { host, log, read, progresses, next };
  };

  it('tells its errors once it is over, also those that came with its end', async () => {
    const { host, log, progresses, next } = await following(status({}));
    await next(status({ trial: trial('2') }));
    await log.write([error('first')]);
    await next(status({}));
    await host.advance(100);
    await log.write([error('last words')]);
    await host.advance(1_000);
    expect(progresses.get('2')).toMatchObject({ status: 'ERROR', 'status-msg': 'Internal error' });
    const messages = String(progresses.get('2')?.logs)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).msg);
    expect(messages).toEqual(['first', 'last words']);
    expect(host.timers).toBe(0);
  });

  it('tells what a container printed last before it crashed in the trial', async () => {
    const { host, progresses, next } = await following(status({}));
    await next(status({ trial: trial('2') }), exited('1', 5));
    await next(status({ trial: trial('2') }), exited('2', 6));
    await next(status({ trial: trial('2') }), exited('2', 6));
    await next(status({ trial: trial('2') }), exited('2', 7, { stopRequestedAtMs: 1 }));
    await next(status({ trial: trial('2') }), exited('2', 8));
    await next(status({}), exited('2', 8));
    await host.advance(1_000);
    const messages = String(progresses.get('2')?.logs)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).msg);
    expect(messages).toEqual(['last words of web in 2', 'last words of web in 2']);
    expect(host.timers).toBe(0);
  });

  it('is as it was when nothing went wrong', async () => {
    const { host, progresses, next } = await following(status({ trial: trial('2') }));
    await next(status({}));
    await host.advance(1_000);
    expect(progresses.get('2')).toEqual(progressOf('ERROR', 'Internal error'));
  });

  it('is finished by the next daemon when one died in between', async () => {
    const first = await following(status({ trial: trial('2') }));
    await first.log.write([error('why')]);
    const failure = { revision: '2', hash: '', status: 'ERROR' as const, message: 'm', detail: '', time: '' };
    const second = await following(status({ failures: { 2: failure } }), first.host.restarted());
    await second.host.advance(1_000);
    expect(second.progresses.get('2')?.logs).toContain('why');
    expect(await second.read('2/.pv/logs')).toContain('why');
  });
});
