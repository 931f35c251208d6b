/** The log on the storage: bounded, whole or passed over, and never in the way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootOf, type Entry, entriesIn, inOrder, lineOf } from '../../../runtime/history/history-entry.ts';
import { openJournal } from '../../../runtime/history/journal.ts';
import { openRing, type Ring } from '../../../runtime/history/segment-ring.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';

const DIRECTORY = '/storage/cache/history';

const entry = (id: number, changes: Partial<Entry> = {}): Entry => ({
  id,
  boot: '12345678',
  atMs: id * 10,
  time: '2024-01-01T00:00:00.000Z',
  kind: 'changed',
  ref: 'container/web',
  reason: `entry ${id}`,
  because: [],
  ...changes,
});
const idsOf = (entries: readonly Entry[]): readonly number[] => entries.map(({ id }) => id);

const ringOn = (host: SimulatedHost, maxBytes = 64_000, problems: string[] = []): Ring =>
  openRing({
    files: host.files,
    directory: DIRECTORY,
    name: 'resources',
    maxBytes,
    onProblem: (subject, message) => problems.push(`${subject}: ${message}`),
  });

describe('a line', () => {
  it('is read back as it was', () => {
    const entries = [entry(1), entry(2, { reason: 'line\nbreak "quoted" é', because: [1], durationMs: 5 })];
    expect(entriesIn(entries.map(lineOf).join(''))).toEqual(entries);
  });

  it('that is damaged anywhere is passed over, and no other', () => {
    const text = [1, 2, 3].map((id) => lineOf(entry(id))).join('');
    const second = lineOf(entry(1)).length;
    const isInSecond = fc.integer({ min: second, max: second + lineOf(entry(2)).length - 2 });
    fc.assert(
      fc.property(isInSecond, fc.integer({ min: 1, max: 127 }), (at, flip) => {
        const damaged = Buffer.from(text);
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
        const ids = idsOf(entriesIn(damaged.toString()));
        // A line break in the middle of it makes two bad lines.
        expect(ids).toEqual([1, 3]);
      }),
    );
  });

  it.each(['', 'rubbish', '00000000 {}', `${lineOf(entry(1)).slice(0, 40)}`])('%j tells nothing', (text) => {
    expect(entriesIn(text)).toEqual([]);
  });

  it('tells boots apart that differ in their last character only, as those of appengine mode do', () => {
    const machine = '1b4e28ba-2fa1-11d2-883f-0016d3cca427';
    expect(bootOf(`${machine}.0`)).not.toBe(bootOf(`${machine}.1`));
    expect(bootOf(`${machine}.0`)).toBe(bootOf(`${machine}.0`));
  });

  it('has an end, however long the reason is', () => {
    expect(lineOf(entry(1, { reason: 'x'.repeat(100_000) })).length).toBeLessThan(1_000);
  });

  it('is told once and in order, whatever was written twice', () => {
    expect(idsOf(inOrder([entry(3), entry(1), entry(3), entry(2)]))).toEqual([1, 2, 3]);
  });
});

describe('a ring', () => {
  it('keeps to its size by forgetting the oldest', async () => {
    const host = simulatedHost();
    const ring = ringOn(host, 16_000);
    for (let id = 1; id <= 500; id++) await ring.append([entry(id)]);
    const files = (await host.files.list(DIRECTORY)) ?? [];
    const stats = await Promise.all(files.map((file) => host.files.stat(`${DIRECTORY}/${file}`)));
    expect(stats.reduce((sum, stat) => sum + (stat?.sizeBytes ?? 0), 0)).toBeLessThanOrEqual(16_000);
    const ids = idsOf(await ring.read());
    expect(ids.at(-1)).toBe(500);
    expect(ids).toEqual(ids.map((_, at) => 501 - ids.length + at));
    expect(ids.length).toBeGreaterThan(70);
  });

  it('takes more at once than a segment holds', async () => {
    const host = simulatedHost();
    const ring = ringOn(host, 16_000);
    await ring.append(Array.from({ length: 60 }, (_, at) => entry(at + 1)));
    expect(idsOf(await ring.read())).toHaveLength(60);
    expect((await host.files.list(DIRECTORY))?.length).toBeGreaterThan(2);
  });

  it('goes on behind a line that a power cut tore', async () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const host = simulatedHost({ seed });
      await ringOn(host).append([entry(1)]);
      host.faults = { before: ({ name }) => (name === 'append' ? 'tear' : undefined) };
      void ringOn(host).append([entry(2), entry(3)]);
      await host.settle();
      const next = host.powerCut();
      next.faults = {};
      await ringOn(next).append([entry(4)]);
      const ids = idsOf(await ringOn(next).read());
      expect(ids[0]).toBe(1);
      expect(ids.at(-1)).toBe(4);
      seen.add(ids.length);
    }
    expect(seen, 'none, one and both of the torn lines were seen').toEqual(new Set([2, 3, 4]));
  });

  it('says what it cannot read, and reads the rest', async () => {
    const host = simulatedHost();
    const problems: string[] = [];
    const ring = ringOn(host, 16_000, problems);
    for (let id = 1; id <= 40; id++) await ring.append([entry(id)]);
    host.faults = {
      before: ({ name, subject }) =>
        name === 'read' && subject.endsWith('1.log') ? new DeviceError('read', subject, 'EIO') : undefined,
    };
    expect(idsOf(await ring.read()).at(-1)).toBe(40);
    expect(problems).toEqual([expect.stringContaining('what it tells of the past is left out')]);
  });

  it('makes its directory again when somebody removed it', async () => {
    const host = simulatedHost();
    const ring = ringOn(host);
    await ring.append([entry(1)]);
    host.mischief.removeTree(DIRECTORY);
    await expect(ring.append([entry(2)])).rejects.toThrow(DeviceError);
    await ring.append([entry(3)]);
    expect(idsOf(await ring.read())).toEqual([3]);
  });
});

const journalOn = (host: SimulatedHost) => {
  const problems: string[] = [];
  const onProblem = (_subject: string, message: string): void => void problems.push(message);
  const options = { files: host.files, directory: DIRECTORY, maxBytes: 512_000, onProblem };
  const rings = {
    device: openRing({ ...options, name: 'device' }),
    resources: openRing({ ...options, name: 'resources' }),
    access: openRing({ ...options, name: 'access' }),
  };
  return { problems, journal: openJournal({ clock: host.clock, rings, lastWords: () => false, onProblem }) };
};
const appendsOf = (host: SimulatedHost): number => host.trace.filter(({ name }) => name === 'append').length;

describe('a journal', () => {
  it('writes many entries at once, half a second after the first', async () => {
    const host = simulatedHost();
    const { journal } = journalOn(host);
    for (let id = 1; id <= 300; id++) {
      journal.add(entry(id), 'resources', false);
      await host.advance(1);
    }
    expect([appendsOf(host), journal.isQuiet]).toEqual([0, false]);
    await host.advance(500);
    expect([appendsOf(host), journal.isQuiet, host.timers]).toEqual([1, true, 0]);
    await host.advance(3_600_000);
    expect(appendsOf(host)).toBe(1);
  });

  it('writes what is urgent at once, with everything before it', async () => {
    const host = simulatedHost();
    const { journal } = journalOn(host);
    journal.add(entry(1), 'resources', false);
    journal.add(entry(2), 'device', true);
    await host.settle();
    expect(await journal.read()).toHaveLength(2);
    expect([appendsOf(host), host.timers]).toEqual([2, 0]);
  });

  it.each(['ENOSPC', 'EROFS', 'EIO'])('says %s once, keeps what it can, and writes it later', async (code) => {
    const host = simulatedHost();
    const { journal, problems } = journalOn(host);
    host.faults = {
      before: ({ name, subject }) => (name === 'append' ? new DeviceError(name, subject, code) : undefined),
    };
    for (let id = 1; id <= 3; id++) {
      journal.add(entry(id), 'resources', id === 2);
      await host.advance(600);
    }
    expect(problems).toEqual([expect.stringContaining(code)]);
    expect([journal.isQuiet, host.timers]).toEqual([true, 0]);
    expect(idsOf(await journal.read())).toEqual([1, 2, 3]);
    host.faults = {};
    journal.add(entry(4), 'resources', false);
    await host.advance(600);
    expect(problems.at(-1)).toBe('is written again; 0 entries are lost');
    expect(idsOf(await journal.read())).toEqual([1, 2, 3, 4]);
  });

  it('keeps no more than it may while the disk refuses', async () => {
    const host = simulatedHost();
    const { journal, problems } = journalOn(host);
    host.faults = {
      before: ({ name, subject }) => (name === 'append' ? new DeviceError(name, subject, 'ENOSPC') : undefined),
    };
    for (let id = 1; id <= 1_500; id++) journal.add(entry(id), 'resources', false);
    await host.advance(600);
    expect(idsOf(await journal.read())).toEqual(Array.from({ length: 1_000 }, (_, at) => at + 501));
    host.faults = {};
    journal.add(entry(1_501), 'device', true);
    await host.settle();
    expect(problems.at(-1)).toBe('is written again; 501 entries are lost');
  });

  it('takes a disk that never answers for one that refuses', async () => {
    const host = simulatedHost();
    const { journal, problems } = journalOn(host);
    host.faults = { before: ({ name }) => (name === 'append' ? 'hang' : undefined) };
    journal.add(entry(1), 'resources', true);
    await host.advance(20_000);
    expect(problems).toEqual([expect.stringContaining('TIMEOUT')]);
    expect([journal.isQuiet, host.timers]).toEqual([true, 0]);
  });
});
