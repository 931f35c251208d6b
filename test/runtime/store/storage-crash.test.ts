/**
 * Cuts garbage collection, verification, import and export off at every operation, and lets every operation fail with
 * every errno, one per run. What the next start finds is whole, and doing it again brings what it should.
 */
import { describe, expect, test } from 'vitest';
import { MESSAGE, progressOf } from '../../../resources/progress.ts';
import { parseState } from '../../../resources/state-format/state.ts';
import { DeviceError } from '../../../runtime/host/host.ts';
import { type SimulatedHost, simulatedHost } from '../../../runtime/host/simulated/simulated.ts';
import { importTarball } from '../../../runtime/sources/directory/import-tarball.ts';
import { exportRevision } from '../../../runtime/store/archive/export.ts';
import { tarballOf } from '../../../runtime/store/archive/tarball-write.ts';
import { sha256 } from '../../../runtime/store/objects/hash.ts';
import { openStore, type Store } from '../../../runtime/store/store.ts';
import { trailContentOf } from '../../../runtime/store/trails/trail.ts';
import { pathsBelow, streamOf } from './device.ts';

const paths = pathsBelow('');
const ERRNOS = ['ENOSPC', 'EIO', 'EROFS', 'EMFILE', 'EDQUOT', 'EACCES'];
const stateOf = (content: string): string =>
  JSON.stringify({ '#spec': 'pantavisor-service-system@1', 'app/root.squashfs': sha256(content), 'app/run.json': {} });

const contentOf = (content: string) => {
  const parsed = parseState(Buffer.from(stateOf(content)), sha256);
  if (!parsed.ok) throw new Error('the test has a bad state');
  return trailContentOf(parsed.document);
};

const open = (host: SimulatedHost): Promise<Store> =>
  openStore({
    files: host.files,
    clock: host.clock,
    paths,
    verified: { path: `${paths.storage}/verified`, bootId: host.bootId },
  });

const inStorage = (path: string): string => `${paths.storage}/${path}`;

const install = async (store: Store, revision: string, content: string): Promise<void> => {
  await store.putObject(sha256(content), streamOf(content), 1000);
  await store.propose(revision, Buffer.from(stateOf(content)));
  await store.install(revision, contentOf(content));
  await store.setProgress(revision, progressOf('DONE', MESSAGE.done));
};

const done = async <T>(host: SimulatedHost, work: Promise<T>): Promise<T> => {
  await host.settle();
  return work;
};

/** A device that runs `locals/kept`, and has something to do. */
const prepared = async (prepare: (host: SimulatedHost, store: Store) => Promise<void>): Promise<SimulatedHost> => {
  const host = simulatedHost();
  const work = async (): Promise<void> => {
    const store = await open(host);
    await install(store, 'locals/kept', 'kept');
    await store.commit('locals/kept');
    await prepare(host, store);
  };
  await done(host, work());
  return host.restarted();
};

interface Job {
  readonly name: string;
  readonly prepare: (host: SimulatedHost, store: Store) => Promise<void>;
  readonly work: (host: SimulatedHost, store: Store) => Promise<unknown>;
  /** What must hold when it was done in the end. */
  readonly check: (host: SimulatedHost, store: Store) => Promise<void>;
}

const garbage = async (_: SimulatedHost, store: Store): Promise<void> => {
  await install(store, 'locals/old', 'old');
  await install(store, 'locals/bad', 'bad');
  await store.recordFailure({ revision: 'locals/bad', hash: 'h', status: 'ERROR', message: 'm', detail: 'why' });
  await store.putObject(sha256('unnamed'), streamOf('unnamed'), 1000);
};

const JOBS: readonly Job[] = [
  {
    name: 'garbage collection',
    prepare: async (host, store) => {
      await garbage(host, store);
      for (const directory of ['logs/locals/old/app', 'disks/rev/locals/old/app', 'disks/perm/app']) {
        await host.files.makeDirectory(inStorage(directory), 0o755);
        await host.files.write(inStorage(`${directory}/file`), 'x', 0o644);
      }
    },
    work: (_, store) => store.collect(),
    check: async (host, store) => {
      expect(await host.files.list(inStorage('objects'))).toEqual([sha256('kept')]);
      expect(await store.revisions()).toEqual(['locals/bad', 'locals/kept']);
      expect((await store.failures())['locals/bad']?.detail).toBe('why');
      for (const gone of ['logs/locals/old', 'disks/rev/locals/old'])
        expect(await host.files.stat(inStorage(gone)), gone).toBeUndefined();
      expect(await host.files.stat(inStorage('disks/perm/app/file'))).toBeDefined();
      expect((await host.files.list(inStorage('trails')))?.filter((name) => name.startsWith('.gone'))).toEqual([]);
    },
  },
  {
    name: 'repair of an object from another trail and from a source',
    prepare: async (host, store) => {
      await install(store, 'locals/old', 'kept');
      // A file of its own in the old trail, and a corrupt one everywhere else.
      await host.files.write(inStorage('trails/locals/old/app/root.squashfs'), 'kept', 0o644);
      await host.files.write(inStorage(`objects/${sha256('kept')}`), 'rot!', 0o644);
    },
    work: async (_, store) => {
      const faults = await store.verify(contentOf('kept'), [
        async (ids) => {
          for (const id of ids) await store.putObject(id, streamOf('kept'), 1000);
        },
      ]);
      if (faults.length > 0) throw new DeviceError('verify', 'kept', 'EIO', faults.join());
      await store.heal('locals/kept', contentOf('kept'));
    },
    check: async (_, store) => expect(await store.verifyObject(sha256('kept'))).toBe('sound'),
  },
  {
    name: 'import of a tarball',
    prepare: async (host) => {
      const object = { id: sha256('new'), sizeBytes: 3, content: () => streamOf('new') };
      const archive = tarballOf(Buffer.from(stateOf('new')), [object], { gzip: false });
      await host.files.writeStream(inStorage('new.tar'), archive, { mode: 0o644, maxBytes: 1e6 });
    },
    work: (host, store) => importTarball(host.files, store, { archive: inStorage('new.tar'), revision: 'locals/new' }),
    check: async (_, store) => {
      expect((await store.document('locals/new'))?.toString()).toBe(stateOf('new'));
      expect(await store.verifyObject(sha256('new'))).toBe('sound');
      expect(await store.progress('locals/new')).toEqual(progressOf('NEW', MESSAGE.readyToRun));
    },
  },
  {
    name: 'export of a revision',
    prepare: async (host) => host.files.write(inStorage('out.tar'), 'the export before', 0o644),
    work: (host) =>
      exportRevision(host.files, {
        storage: paths.storage,
        revision: 'locals/kept',
        output: inStorage('out.tar'),
      }),
    check: async (host, store) => {
      await importTarball(host.files, store, { archive: inStorage('out.tar'), revision: 'locals/again' });
      expect((await store.document('locals/again'))?.toString()).toBe(stateOf('kept'));
    },
  },
];

/** What must hold at any time: the revision that runs is whole, and no object is anything but what its name says. */
const checkAlways = async (host: SimulatedHost, store: Store, name: string): Promise<void> => {
  expect(await store.bootVariables()).toEqual({ committed: 'locals/kept' });
  expect((await store.document('locals/kept'))?.toString()).toBe(stateOf('kept'));
  if (name.startsWith('repair')) return;
  expect(await store.verifyObject(sha256('kept'))).toBe('sound');
  const trail = inStorage('trails/locals/kept/app/root.squashfs');
  expect((await host.files.read(trail, 100))?.toString()).toBe('kept');
  for (const id of (await host.files.list(inStorage('objects'))) ?? [])
    if (!id.startsWith('.')) expect(await store.verifyObject(id), id).toBe('sound');
};

/** Looks, then does the work undisturbed, and looks again. */
const finish = async (host: SimulatedHost, job: Job): Promise<void> => {
  const work = async (): Promise<void> => {
    const store = await open(host);
    await checkAlways(host, store, job.name);
    await job.work(host, store);
    await checkAlways(host, store, job.name);
    await job.check(host, store);
  };
  await done(host, work());
};

describe.each(JOBS)('$name', (job) => {
  test.each(['crash', 'tear', 'power cut'] as const)(
    'survives a %s at any operation',
    { timeout: 60_000 },
    async (how) => {
      let points = 0;
      for (let isDone = false; !isDone; points += 1) {
        let host = await prepared(job.prepare);
        const store = await done(host, open(host));
        let left = points;
        host.faults = { before: () => (left-- === 0 ? (how === 'crash' ? 'crash' : 'tear') : undefined) };
        let isOver = false;
        void job.work(host, store).then(() => {
          isOver = true;
        });
        for (let turn = 0; turn < 50 && !isOver && !host.crashed; turn += 1) await new Promise(setImmediate);
        await host.settle();
        isDone = isOver;
        host.faults = {};
        host = how === 'power cut' ? host.powerCut() : host.restarted();
        await finish(host, job);
      }
      expect(points).toBeGreaterThan(4);
    },
  );

  test.each(ERRNOS)('loses nothing to %s at any operation', { timeout: 60_000 }, async (code) => {
    let failures = 0;
    for (let point = 0, isDone = false; !isDone; point += 1) {
      const host = await prepared(job.prepare);
      const store = await done(host, open(host));
      let left = point;
      host.faults = {
        before: ({ name, subject }) =>
          left-- === 0 ? new DeviceError(name, subject, code, 'at this call') : undefined,
      };
      const outcome = await done(
        host,
        job.work(host, store).catch((error: unknown) => error),
      );
      isDone = left >= 0;
      host.faults = {};
      if (outcome instanceof Error) {
        expect(outcome).toBeInstanceOf(DeviceError);
        failures += 1;
      }
      // The same daemon goes on, and so does one that is started anew.
      await done(host, checkAlways(host, store, job.name));
      await finish(host.restarted(), job);
    }
    expect(failures).toBeGreaterThan(2);
  });
});
