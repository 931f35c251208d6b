/** Issue: what is dropped into the watched directory is run, and what cannot be used changes nothing. */
import { appendFileSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { describeSystem } from '../require-root.ts';
import { type RealDevice, test } from './real-device.ts';
import { realState } from './real-state.ts';
import { until } from './until.ts';

const WEB = realState().container('web');
/** Comes up, but never says that it is ready. */
const NEVER = realState().container('web', { run: { status_goal: 'READY' } });

const running = async (device: RealDevice): Promise<number> => {
  await device.start();
  expect(await device.deploy('first', WEB)).toMatchObject({ status: 'DONE', revision: 'locals/first' });
  return device.becomes('web', 'STARTED');
};

describeSystem('the watched directory', () => {
  test('turns a document with its objects into running containers', async ({ device }) => {
    await running(device);
    expect(readdirSync(join(device.storage, 'objects')).toSorted()).toEqual([...WEB.objects.keys()].toSorted());
    expect(await device.read('web', '/etc/origin')).toBe('image\n');
  });

  test('takes an export tarball', async ({ device }) => {
    await device.start();
    expect(await device.deploy('packed', WEB, 'tgz')).toMatchObject({ status: 'DONE', revision: 'locals/packed' });
    expect(await device.stateOf('web')).toBe('STARTED');
  });

  test('takes what lay there before the daemon started', async ({ device }) => {
    device.drop('early', WEB);
    await device.start();
    expect(await device.outcome('early')).toMatchObject({ status: 'DONE' });
  });

  test('says what objects a document waits for, and goes on when they come', async ({ device }) => {
    await running(device);
    const state = realState().container('web', { behaviour: '# only it has this\n' });
    const [id = '', content = ''] = [...state.objects].find(([key]) => !WEB.objects.has(key)) ?? [];
    writeFileSync(join(device.watched, 'late.json'), state.toText());
    await until('it waits', () => device.dropStatus('late')?.status === 'QUEUED');
    expect(device.dropStatus('late')?.waitingOn).toMatchObject([{ resource: expect.stringContaining(id) }]);
    writeFileSync(join(device.watched, 'objects', id), content);
    expect(await device.outcome('late')).toMatchObject({ status: 'DONE' });
  });

  test('tells all that is wrong with a document, and leaves the device alone', async ({ device }) => {
    const pid = await running(device);
    const run = {
      '#spec': 'service-manifest-run@1',
      name: 'other',
      type: 'lxc',
      config: 'no.conf',
      volumes: ['no.bind'],
    };
    device.drop('broken', WEB.with('web/run.json', run).with('groups.json', [{ name: 'a', timeout: 'soon' }]));
    const { status, problems = [] } = await device.outcome('broken');
    expect(status).toBe('WONTGO');
    for (const path of ['name', 'config', 'volumes', 'timeout']) expect(problems.join('\n')).toContain(path);
    device.drop('hostile', WEB.with('../evil', 'x'));
    expect(await device.outcome('hostile')).toMatchObject({ status: 'WONTGO', reason: expect.stringMatching(/evil/) });
    expect(await device.pidOf('web')).toBe(pid);
    expect(await device.status()).toMatchObject({ revision: 'locals/first', phase: 'running' });
  });

  test('waits for a file that is being written', async ({ device }) => {
    await device.start();
    device.drop('whole', WEB, 'tgz');
    const bytes = readFileSync(join(device.watched, 'whole.tgz'));
    await device.outcome('whole');
    const part = Math.ceil(bytes.length / 8);
    for (let at = 0; at < bytes.length; at += part) {
      appendFileSync(join(device.watched, 'slow.tgz'), bytes.subarray(at, at + part));
      await sleep(50);
    }
    await until('it is taken', () => device.dropStatus('slow')?.status === 'DONE', {
      detail: () => device.dropStatus('slow'),
    });
  });

  test('refuses half a file when no more comes, and takes it when it does', async ({ device }) => {
    const pid = await running(device);
    const text = realState().container('web', { behaviour: '# changed\n' });
    device.drop('objects', text);
    await device.outcome('objects');
    const next = await device.becomes('web', 'STARTED', pid);
    const whole = WEB.toText();
    writeFileSync(join(device.watched, 'half.json'), whole.slice(0, whole.length / 2));
    expect(await device.outcome('half')).toMatchObject({ status: 'WONTGO' });
    expect(await device.pidOf('web')).toBe(next);
    writeFileSync(join(device.watched, 'half.json'), whole);
    expect(await device.outcome('half', WEB.hash)).toMatchObject({ status: 'DONE' });
    await device.becomes('web', 'STARTED', next);
  });

  test("does not see editors' temporary files", async ({ device }) => {
    const pid = await running(device);
    const other = realState().container('other').toText();
    for (const name of ['.x.json.swp', 'x.json~', '#x.json#', '4913', 'x.json.part', 'x.tmp', '.x.json'])
      writeFileSync(join(device.watched, name), other);
    expect(await device.deploy('last', WEB)).toMatchObject({ status: 'DONE' });
    const told = readdirSync(device.watched).filter((name) => name.endsWith('.status.json'));
    expect(told.toSorted()).toEqual(['first.status.json', 'last.status.json']);
    expect(await device.pidOf('web')).toBe(pid);
  });

  test('lets a newer drop replace one that is still on trial', async ({ device }) => {
    await device.start();
    device.drop('older', NEVER);
    await until('it is tried', () => device.dropStatus('older')?.status === 'INPROGRESS');
    expect(await device.deploy('newer', WEB)).toMatchObject({ status: 'DONE' });
    expect(await device.outcome('older')).toMatchObject({
      status: 'CANCELLED',
      reason: expect.stringContaining('superseded'),
    });
    expect(await device.status()).toMatchObject({ committed: 'locals/newer', phase: 'running' });
  });

  test('does nothing for the content that runs, under the same name or another', async ({ device }) => {
    const pid = await running(device);
    const later = new Date(Date.now() + 5_000);
    utimesSync(join(device.watched, 'first.json'), later, later);
    await until('it was looked at', () => device.dropStatus('first')?.source.modifiedMs === later.getTime());
    expect(device.dropStatus('first')?.status).toBe('DONE');
    expect(await device.deploy('twin', WEB)).toMatchObject({ status: 'DONE' });
    await device.converged();
    expect(await device.pidOf('web')).toBe(pid);
    rmSync(join(device.watched, 'first.json'));
    expect(await device.deploy('third', WEB)).toMatchObject({ status: 'DONE' });
    expect(await device.pidOf('web')).toBe(pid);
  });

  test('runs changed content under the same name', async ({ device }) => {
    const pid = await running(device);
    const changed = realState().container('web', { behaviour: 'echo changed >/tmp/proof' });
    expect(await device.deploy('first', changed)).toMatchObject({ status: 'DONE' });
    await device.becomes('web', 'STARTED', pid);
    await until('it does the new thing', async () => (await device.read('web', '/tmp/proof')) !== undefined);
  });
}, ['lxc', 'loop', 'squashfs']);
