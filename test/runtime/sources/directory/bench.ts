/** A watched directory on a real file system, looked at when the test says so. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach } from 'vitest';
import { MESSAGE, progressOf } from '../../../../resources/progress.ts';
import type { Files } from '../../../../runtime/host/host.ts';
import type { Proposal } from '../../../../runtime/sources/directory/incoming.ts';
import { openStatusFiles } from '../../../../runtime/sources/directory/status-file.ts';
import { Watching } from '../../../../runtime/sources/directory/watcher.ts';
import type { Store } from '../../../../runtime/store/store.ts';
import { type TestDevice, testDevice } from '../../store/device.ts';
import { readBare } from './read-bare.ts';

/** Live bindings: each test has its own. */
export let device: TestDevice;
export let store: Store;
export let proposals: string[];
export let watching: Watching;

/** To be called once by each test file. */
export const useBench = (): void => {
  beforeEach(async () => {
    device = await testDevice();
    await mkdir(`${device.root}/storage/incoming/objects`, { recursive: true });
    await restart();
  });
  afterEach(() => device.remove());
};

/** As after a restart of the daemon: nothing is remembered but what lies on the disk. */
export const restart = async (): Promise<void> => {
  store = await device.reopen();
  proposals = [];
  watching = watchingWith(device.files);
};
const watchingWith = (files: Files): Watching =>
  new Watching({
    files,
    clock: device.clock,
    store,
    directory: device.paths.watch,
    statusFiles: openStatusFiles(device.files, device.clock, device.paths.watch),
    read: readBare,
    onProblem: (subject, message) => device.problems.push(`${subject}: ${message}`),
    propose: ({ revision }: Proposal) => proposals.push(revision),
  });

export const inWatch = (file: string): string => `${device.paths.watch}/${file}`;
export const drop = (file: string, content: string | Uint8Array): Promise<void> => writeFile(inWatch(file), content);
export const look = (): Promise<number | undefined> => watching.look();
export const statusOf = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(inWatch(`${name}.status.json`), 'utf8'));
export const state = (extra: Record<string, unknown> = {}): string =>
  JSON.stringify({ '#spec': 'pantavisor-service-system@1', ...extra });
export const [ONE, TWO] = [state({ 'one.json': {} }), state({ 'two.json': {} })];
export const commit = async (revision: string): Promise<void> => {
  await store.setProgress(revision, progressOf('DONE', MESSAGE.done));
  await store.commit(revision);
  await watching.report(revision, { progress: progressOf('DONE', MESSAGE.done) });
};

/** From now on the device's files are these. */
export const watchThrough = (files: Files): void => {
  watching = watchingWith(files);
};
