import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BehaviorSubject, NEVER } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContainerStatusName } from '../../../resources/kinds/goal.ts';
import { EMPTY_SNAPSHOT } from '../../../resources/snapshot.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { linuxFiles } from '../../../runtime/host/linux/files/linux-files.ts';
import { describeMachine, describeNow } from '../../../runtime/host/linux/kernel/describe-machine.ts';
import { startDeviceFacts } from '../../../runtime/metadata/device-facts.ts';
import { FACTS, lastingFacts, passingFacts } from '../../../runtime/metadata/machine-facts.ts';
import { MAX_KEYS, type Metadata, type MetadataOptions, openMetadata } from '../../../runtime/metadata/metadata.ts';
import { metadataJson } from '../../../runtime/metadata/metadata-json.ts';
import { group, snapshotOf } from '../api/fixture.ts';

let root: string;
let metadata: Metadata;
let log: string[];
const open = async (changes: Partial<MetadataOptions> = {}): Promise<void> => {
  metadata = await openMetadata({
    files: linuxFiles,
    name: 'user-meta',
    run: join(root, 'run'),
    cache: join(root, 'cache'),
    onChange: (key, value) => log.push(`${key}=${value}`),
    onProblem: (subject, message) => log.push(`${subject.replace(root, '')}: ${message}`),
    ...changes,
  });
};
const content = (path: string): string | undefined =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'pvtest-meta-'));
  mkdirSync(join(root, 'run'));
  log = [];
  await open();
});
afterEach(() => rmSync(root, { recursive: true }));

describe('a key', () => {
  it('is in the cache, in the live directory and in the view of its container', async () => {
    expect(await metadata.put('web.colour.front', 'red')).toBe('done');
    expect(content('cache/web.colour.front')).toBe('red');
    expect(content('run/user-meta/web.colour.front')).toBe('red');
    expect(content('run/user-meta.web/colour.front')).toBe('red');
    expect(statSync(join(root, 'run/user-meta/web.colour.front')).mode & 0o777).toBe(0o644);
  });

  it.each(['plain', 'web.', 'web..hidden', 'web...'])('%s without container or rest is in no view', async (key) => {
    expect(await metadata.put(key, 'x')).toBe('done');
    expect(readdirSync(join(root, 'run'))).toEqual(['user-meta']);
    expect(await metadata.remove(key)).toBe(true);
    expect(readdirSync(join(root, 'run'))).toEqual(['user-meta']);
  });

  it.each(['', '.', '..', '.hidden', 'a/b', '../x', 'a\0b', 'a\nb', 'x'.repeat(256)])('%j is none', async (key) => {
    expect(await metadata.put(key, 'x')).toBe('refused');
    expect(metadata.entries()).toEqual([]);
  });

  it('may be as long as a name of a file', async () => {
    const key = `${'c'.repeat(240)}.${'x'.repeat(14)}`;
    expect(await metadata.put(key, 'x')).toBe('done');
    expect(content(`run/user-meta/${key}`)).toBe('x');
    expect(await metadata.put(`${'c'.repeat(250)}.rest`, 'x')).toBe('done');
  });

  it('goes from all its places', async () => {
    await metadata.put('web.colour', 'red');
    expect(await metadata.remove('web.colour')).toBe(true);
    expect(await metadata.remove('web.colour')).toBe(false);
    expect([content('cache/web.colour'), content('run/user-meta/web.colour')]).toEqual([undefined, undefined]);
    expect(readdirSync(join(root, 'run/user-meta.web'))).toEqual([]);
    expect(log).toEqual(['web.colour=red', 'web.colour=undefined']);
  });

  it.each(['__proto__', 'constructor', 'toString'])('%s is one like any other', async (key) => {
    expect([metadata.get(key), await metadata.remove(key)]).toEqual([undefined, false]);
    expect(await metadata.put(key, 'x')).toBe('done');
    expect(metadataJson(metadata.entries())).toBe(`{"${key}":"x"}`);
  });
});

describe('a value', () => {
  it('that is unchanged is not written again', async () => {
    await metadata.put('a', '1');
    await open({ files: { ...linuxFiles, write: () => Promise.reject(new Error('written')) } }).catch(() => undefined);
    await open();
    log.length = 0;
    utimesSync(join(root, 'cache/a'), 1, 1);
    expect(await metadata.put('a', '1')).toBe('done');
    expect([statSync(join(root, 'cache/a')).mtimeMs, log]).toEqual([1000, []]);
  });

  it.each([
    ['nothing', ''],
    ['nothing before a NUL', '\0x'],
    ['4097 bytes', `${'ä'.repeat(2048)}x`],
  ])('of %s is refused', async (_name, value) => {
    expect(await metadata.put('a', value)).toBe('refused');
  });

  it('of 4096 bytes is kept, and ends at a NUL', async () => {
    expect(await metadata.put('a', 'ä'.repeat(2048))).toBe('done');
    await metadata.put('b', 'x\0y');
    expect(metadata.get('b')).toBe('x');
  });

  it('that cannot be kept changes nothing', async () => {
    await metadata.put('a', '1');
    await open({
      files: {
        ...linuxFiles,
        write: (path, ...rest) =>
          path.includes('/cache/')
            ? Promise.reject(new DeviceError('write', path, 'EIO'))
            : linuxFiles.write(path, ...rest),
      },
    });
    await expect(metadata.put('a', '2')).rejects.toThrow('EIO');
    expect([metadata.get('a'), content('run/user-meta/a')]).toEqual(['1', '1']);
  });

  it('that cannot be shown is kept and told', async () => {
    await open({
      files: {
        ...linuxFiles,
        write: (path, ...rest) =>
          path.includes('/run/')
            ? Promise.reject(new DeviceError('write', path, 'ENOSPC'))
            : linuxFiles.write(path, ...rest),
      },
    });
    expect(await metadata.put('a', '1')).toBe('done');
    expect([metadata.get('a'), content('cache/a'), log.at(-1)]).toEqual([
      '1',
      '1',
      expect.stringContaining('/run/user-meta/a: metadata is not shown'),
    ]);
  });

  it('has room beside no more than so many others', async () => {
    await open({ files: { ...linuxFiles, write: async () => {}, makeDirectory: async () => {} } });
    for (let count = 0; count < MAX_KEYS; count++) await metadata.put(`k${count}`, 'x');
    expect(await metadata.put('one-more', 'x')).toBe('no room');
    expect(await metadata.put('k1', 'y')).toBe('done');
  });
});

describe('the map', () => {
  it('has the newest key first, and a new value does not move its key', async () => {
    for (const key of ['a', 'b', 'c']) await metadata.put(key, '1');
    await metadata.put('a', '2');
    expect(metadata.entries()).toEqual([
      ['c', '1'],
      ['b', '1'],
      ['a', '2'],
    ]);
  });

  it('is there again after a restart, in the order of its files, and shown where it was not', async () => {
    for (const [at, key] of ['b', 'web.x', 'a'].entries()) {
      await metadata.put(key, key);
      utimesSync(join(root, 'cache', key), at, at);
    }
    rmSync(join(root, 'run'), { recursive: true });
    mkdirSync(join(root, 'run'));
    log.length = 0;
    await open();
    expect(metadata.entries().map(([key]) => key)).toEqual(['a', 'web.x', 'b']);
    expect(log).toEqual(['b=b', 'web.x=web.x', 'a=a']);
    expect(content('run/user-meta.web/x')).toBe('web.x');
  });

  it('shows no more what is in the cache no more, in the very same directories', async () => {
    await metadata.put('web.x', '1');
    await metadata.put('a', '1');
    const inodes = () => ['run/user-meta', 'run/user-meta.web'].map((path) => statSync(join(root, path)).ino);
    const before = inodes();
    rmSync(join(root, 'cache/web.x'));
    await open();
    expect([readdirSync(join(root, 'run/user-meta')), readdirSync(join(root, 'run/user-meta.web'))]).toEqual([
      ['a'],
      [],
    ]);
    expect(inodes()).toEqual(before);
  });

  it('passes over what is too large, hidden or no file, and tells of the first', async () => {
    writeFileSync(join(root, 'cache/big'), 'x'.repeat(4097));
    writeFileSync(join(root, 'cache/.hidden'), 'x');
    mkdirSync(join(root, 'cache/directory'));
    await open();
    expect(metadata.entries()).toEqual([]);
    expect(log).toEqual([expect.stringContaining('/cache/big: expected at most 4096 bytes, but it has 4097')]);
  });

  it('takes changes that come at once one after the other', async () => {
    await Promise.all([1, 2, 3, 4].map((value) => metadata.put('web.a', String(value))));
    expect([content('cache/web.a'), content('run/user-meta/web.a'), content('run/user-meta.web/a')]).toEqual([
      '4',
      '4',
      '4',
    ]);
  });
});

describe('a fact', () => {
  it('wears no flash, also when a client sets it', async () => {
    await metadata.put('time', 'never');
    await metadata.putFact('time', 'now');
    expect([metadata.get('time'), content('cache/time'), content('run/user-meta/time')]).toEqual([
      'now',
      undefined,
      'now',
    ]);
    await metadata.put('time', 'later');
    expect([metadata.get('time'), content('cache/time')]).toEqual(['later', undefined]);
    await metadata.putFact('time', 'now');
    expect(metadata.get('time')).toBe('now');
  });
});

describe('a fact of an earlier daemon', () => {
  it('is shown until it is told anew, and never comes from the cache', async () => {
    await metadata.putFact('web.mode', 'local');
    writeFileSync(join(root, 'cache/web.mode'), 'stale');
    await open({ facts: ['web.mode'] });
    expect([metadata.get('web.mode'), content('run/user-meta/web.mode'), content('run/user-meta.web/mode')]).toEqual([
      undefined,
      'local',
      'local',
    ]);
    await metadata.putFact('web.mode', 'remote');
    expect(content('run/user-meta.web/mode')).toBe('remote');
  });
});

describe('as JSON', () => {
  it.each<[string, readonly (readonly [string, string])[], string]>([
    ['nothing', [], '{}'],
    [
      'text',
      [
        ['a', 'x'],
        ['b', '1'],
      ],
      '{"a":"x","b":"1"}',
    ],
    ['what must be escaped', [['a"b', 'x\n"\\\u0001']], '{"a\\"b":"x\\n\\"\\\\\\u0001"}'],
    [
      'objects and arrays as they are',
      [
        ['a', '{ "x": 1 }'],
        ['b', '[1]'],
      ],
      '{"a":{ "x": 1 },"b":[1]}',
    ],
    [
      'what only begins like JSON',
      [
        ['a', '{x'],
        ['b', '[1],"c":2'],
      ],
      '{"a":"{x","b":"[1],\\"c\\":2"}',
    ],
    ['only empty values', [['a', '']], '{}'],
  ])('%s', (_name, entries, json) => {
    expect(metadataJson(entries)).toBe(json);
    JSON.parse(json);
  });
});

describe('what the device says of itself', () => {
  const names = new Map<string, ContainerStatusName>();
  const first = snapshotOf([], [group('root'), group('app')]);

  it('is true of this machine', async () => {
    const facts = lastingFacts(await describeMachine(), '1.2.3');
    expect(facts['pantavisor.arch']).toMatch(/^\w+\/(32|64)\/E[LB]$/);
    expect(facts).toMatchObject({
      'pantavisor.version': '1.2.3',
      'pantavisor.mode': 'local',
      'pantahub.claimed': '0',
      'pantahub.online': '0',
    });
    const uname = JSON.parse(facts['pantavisor.uname'] ?? '');
    expect(Object.keys(uname)).toEqual(['kernel.name', 'kernel.release', 'kernel.version', 'node.name', 'machine']);
    expect(uname['kernel.release']).toBe(readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());

    const room = { totalBytes: 100, freeBytes: 50, reservedBytes: 5, availableBytes: 45 };
    const passing = passingFacts(await describeNow(), room, new Date(1_700_000_000_250));
    expect(JSON.parse(passing['interfaces'] ?? '')).toMatchObject({ 'lo.ipv4': ['127.0.0.1'] });
    expect(passing['storage']).toBe('{"total":100,"free":50,"reserved":5,"real_free":45}');
    expect(JSON.parse(passing['time'] ?? '').timeval).toEqual({ tv_sec: 1_700_000_000, tv_usec: 250_000 });
    expect([...Object.keys(facts), ...Object.keys(passing), 'pantavisor.revision', 'pantavisor.status']).toEqual(FACTS);
    const sysinfo = JSON.parse(passing['sysinfo'] ?? '');
    expect(sysinfo.totalram).toBe(Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024);
    expect(sysinfo.procs).toBeGreaterThan(1);
  });

  it('follows the device, and asks for nothing while it rests', async () => {
    vi.useFakeTimers();
    try {
      const snapshots = new BehaviorSubject(first);
      let asked = 0;
      names.set('group/root', 'READY').set('group/app', 'MOUNTED');
      const facts = startDeviceFacts({
        metadata,
        lasting: async () => ({ 'pantavisor.mode': 'local' }),
        passing: async () => ({ time: String(asked++) }),
        snapshots,
        latest: () => snapshots.value,
        bootedRevision: () => undefined,
        groupStatusName: (ref) => names.get(ref) ?? 'NONE',
        onProblem: (_subject, message) => log.push(message),
        onBug: (error) => log.push(`bug: ${error}`),
      });
      await vi.advanceTimersByTimeAsync(60_000);
      await vi.waitFor(() => expect(metadata.get('pantavisor.status')).toBe('MOUNTED'));
      expect([metadata.get('pantavisor.revision'), asked, vi.getTimerCount()]).toEqual(['locals/a', 1, 0]);

      names.set('group/app', 'READY');
      snapshots.next({ ...first, revision: 'locals/b' });
      snapshots.next({ ...first, revision: 'locals/b' });
      await vi.advanceTimersByTimeAsync(60_000);
      await vi.waitFor(() => expect(metadata.get('pantavisor.status')).toBe('READY'));
      expect(content('run/user-meta/pantavisor.revision')).toBe('locals/b');

      snapshots.next({ ...first, revision: '(rebooting)', desired: {} });
      await vi.advanceTimersByTimeAsync(60_000);
      expect(metadata.get('pantavisor.revision')).toBe('locals/b');
      await facts.refresh();
      expect(metadata.get('time')).toBe('1');
      facts.stop();
      expect([snapshots.observed, log.filter((line) => line.startsWith('bug'))]).toEqual([false, []]);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    ['of the revision that runs', first, 'locals/a', 'MOUNTED'],
    ['of the revision that was booted, before anything of it runs', EMPTY_SNAPSHOT, 'locals/booted', 'NONE'],
  ])('are whole in the first answer: %s', async (_, snapshot, revision, status) => {
    names.set('group/root', 'READY').set('group/app', 'MOUNTED');
    const facts = startDeviceFacts({
      metadata,
      lasting: async () => ({ 'pantavisor.mode': 'local' }),
      passing: async () => ({ time: '1' }),
      snapshots: NEVER,
      latest: () => snapshot,
      bootedRevision: () => 'locals/booted',
      groupStatusName: (ref) => names.get(ref) ?? 'NONE',
      onProblem: (_subject, message) => log.push(message),
      onBug: (error) => log.push(`bug: ${error}`),
    });
    await facts.refresh();
    facts.stop();
    const told = Object.fromEntries(metadata.entries());
    expect(told).toEqual({
      'pantavisor.mode': 'local',
      'pantavisor.revision': revision,
      'pantavisor.status': status,
      time: '1',
    });
  });
});
