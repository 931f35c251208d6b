import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startApi } from '../../../../runtime/api/api.ts';
import { explainPath } from '../../../../runtime/cli/pvcontrol/history-command.ts';
import { type Entry, lineOf } from '../../../../runtime/history/history-entry.ts';
import { container, fakeDevice, snapshotOf } from '../../api/fixture.ts';
import { runProgram } from '../run-program.ts';

const TIME = '2024-01-01T00:00:00.000Z';

describe('pvcontrol explain', () => {
  it.each([
    ['web', '/explain/container/web'],
    ['container/web', '/explain/container/web'],
    ['volume/web/root.squashfs', '/explain/volume/web/root.squashfs'],
    ['group/app', '/explain/group/app'],
    ['update', '/explain/update/device'],
  ])('%s asks for %s', (resource, path) => {
    expect(explainPath(resource)).toBe(path);
  });

  it.each(['', 'nothing/web', 'a b', '../x?'])('refuses %j', (resource) => {
    expect(() => explainPath(resource)).toThrow();
  });

  it('shows a tree to people and the document to programs', async () => {
    const cause = { id: 1, time: TIME, ref: 'container/web', sentence: 'container web ended', because: [] } as const;
    const deed = {
      id: 2,
      time: TIME,
      ref: 'container/web',
      sentence: 'container web was started',
      because: [cause],
    } as const;
    const device = fakeDevice(snapshotOf([container('web')]), {
      explain: async (kind, name) =>
        `${kind}/${name}` === 'volume/web/root' ? { ref: 'volume/web/root', now: 'waits', deeds: [deed] } : undefined,
    });
    const api = await startApi(device.deps);
    const pvcontrol = (...args: string[]) => runProgram('pvcontrol', ['-s', device.deps.socketPath, ...args]);
    expect((await pvcontrol('explain', 'volume/web/root')).stdout).toBe(
      'volume/web/root waits\n\n2024-01-01T00:00:00Z  container web was started\n2024-01-01T00:00:00Z  └ container web ended\n',
    );
    expect(JSON.parse((await pvcontrol('--json', 'explain', 'volume/web/root')).stdout)).toMatchObject({
      deeds: [{ id: 2 }],
    });
    expect(await pvcontrol('explain', 'nobody')).toMatchObject({
      code: 255,
      stderr: '{"Error":"Resource does not exist"}\n',
    });
    expect((await pvcontrol('history')).stdout).toBe('No revision was tried yet.\n');
    await api.stop();
    device.remove();
  });
});

describe('pantavisor history', () => {
  let storage: string;
  beforeEach(() => {
    storage = mkdtempSync(join(tmpdir(), 'pvtest-history-'));
  });
  afterEach(() => rmSync(storage, { recursive: true }));

  it('reads the storage, torn lines and all', async () => {
    const entry: Entry = {
      id: 1,
      boot: 'boot',
      atMs: 1,
      time: TIME,
      kind: 'done',
      ref: 'update/device',
      action: 'update.commit',
      about: 'locals/web',
      reason: 'it stayed stable',
      because: [],
    };
    mkdirSync(join(storage, 'cache/history'), { recursive: true });
    writeFileSync(join(storage, 'cache/history/device-00000001.log'), `${lineOf(entry)}${lineOf(entry).slice(0, 30)}`);
    const { code, stdout } = await runProgram('pantavisor', ['history', '--storage', storage]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/2024-01-01T00:00:00Z +locals\/web +committed +it stayed stable/);
    const { stdout: json } = await runProgram('pantavisor', ['history', '--storage', storage, '--json']);
    expect(JSON.parse(json)).toMatchObject([{ revision: 'locals/web', outcome: 'committed' }]);
  });

  it('says that there is none', async () => {
    const { code, stderr } = await runProgram('pantavisor', ['history', '--storage', storage]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('cache/history')]);
  });
});
