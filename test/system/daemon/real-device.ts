/**
 * A device on this machine: the real daemon with everything of it in one directory, configured by environment alone.
 *
 * In: states, drops and mischief of a test. Out: what the daemon says, and what is really there. Whatever a test does
 * to it, `close` takes all of it off the machine, and tells what the daemon itself had left behind.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as baseTest, expect } from 'vitest';
import { leftovers, leftoversAfterSettling, sweep } from '../../../hack/demonstration/sweep.ts';
import { cgroupRootOf } from '../../../resources/lxc/lxc-place.ts';
import type { ResourceView, StatusView } from '../../../runtime/api/status.ts';
import type { DropStatus } from '../../../runtime/sources/directory/status-file.ts';
import { registerCgroup } from '../own-cgroups.ts';
import { type Answer, type DaemonProcess, ready, requestOn, spawnDaemon, type Way } from './daemon-process.ts';
import type { RealState } from './real-state.ts';
import { until } from './until.ts';

export interface RealDevice {
  readonly directory: string;
  readonly storage: string;
  readonly run: string;
  readonly watched: string;
  readonly volumes: string;
  readonly lxc: string;
  readonly logs: string;
  /** Starts the daemon and waits for it. `settings` stay for later starts, as does the way. */
  start(settings?: Readonly<Record<string, string>>, way?: Way): Promise<void>;
  /** What it was started with last. */
  environment(): Readonly<Record<string, string>>;
  daemonPid(): number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM. Resolves to its exit code. */
  stop(): Promise<number | null>;
  /** Puts a state into the watched directory, its objects first. */
  drop(name: string, state: RealState, kind?: 'json' | 'tgz'): void;
  dropStatus(name: string): DropStatus | undefined;
  /** Drops, and waits for the end: DONE, ERROR, WONTGO or CANCELLED. */
  deploy(name: string, state: RealState, kind?: 'json' | 'tgz'): Promise<DropStatus>;
  /** Waits for the end of what was dropped. `hash`: of the state, where an older one had the same name. */
  outcome(name: string, hash?: string): Promise<DropStatus>;
  status(): Promise<StatusView>;
  /** Of the status document. */
  resource(ref: string): Promise<ResourceView | undefined>;
  request(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Pid of a container's init; undefined: it has none. */
  pidOf(container: string): Promise<number | undefined>;
  stateOf(container: string): Promise<string>;
  /** Waits until a container is in a state, with another init than `notPid`. @returns the pid of its init. */
  becomes(container: string, state: string, notPid?: number): Promise<number>;
  /** Waits until every resource of the revision that runs is as desired. */
  converged(): Promise<void>;
  /** A file as a living container sees it; undefined: there is none, or no such container. */
  read(container: string, path: string): Promise<string | undefined>;
  /** Attaches a file to a loop device, until the device is closed. @returns its node. */
  attach(file: string): string;
  console(revision: string, container: string): string;
  /** The daemon's log. */
  log(): string;
  /** What there is of the device on the machine now. */
  traces(): readonly string[];
  /** What there still is of it once the kernel had time to free what nobody uses. */
  left(): Promise<readonly string[]>;
  /** Ends it all. Resolves to what the daemon left although it was asked to end; empty when it did well. */
  close(): Promise<readonly string[]>;
}

const FINAL = ['DONE', 'ERROR', 'WONTGO', 'CANCELLED'];

export const realDevice = (): RealDevice => {
  const directory = mkdtempSync(join(tmpdir(), 'pvtest-'));
  const [storage = '', run = '', watched = '', log = ''] = ['storage', 'run', 'incoming', 'daemon.log'].map((name) =>
    join(directory, name),
  );
  for (const each of [storage, run, watched]) mkdirSync(each);
  writeFileSync(log, '');
  registerCgroup(cgroupRootOf(join(run, 'lxc')));
  const loops: string[] = [];
  let daemon: DaemonProcess | undefined;
  let way: Way = {};
  let settings: Readonly<Record<string, string>> = {
    PV_SYSTEM_INIT_MODE: 'appengine',
    PV_STORAGE_MNTPOINT: storage,
    PV_SYSTEM_RUNDIR: run,
    PV_WATCH_DIR: watched,
    PV_UPDATER_COMMIT_DELAY: '0',
    // What an update touches is to be seen; reboots have tests of their own.
    PV_UPDATER_REBOOT: '0',
    PV_UPDATER_GOALS_TIMEOUT: '20',
  };

  const device: RealDevice = {
    directory,
    storage,
    run,
    watched,
    volumes: join(run, 'volumes'),
    lxc: join(run, 'lxc'),
    logs: join(storage, 'logs'),
    environment: () => settings,
    start: async (more = {}, next = way) => {
      settings = { ...settings, ...more };
      way = next;
      const skipBytes = statSync(log).size;
      daemon = spawnDaemon(log, settings, way);
      await ready(daemon, log, skipBytes);
    },
    daemonPid: () => daemon?.pid ?? 0,
    kill: async () => void (await daemon?.end('SIGKILL')),
    stop: async () => (await daemon?.end('SIGTERM')) ?? null,
    drop: (name, state, kind = 'json') => (kind === 'json' ? dropJson : dropTarball)(device, name, state),
    dropStatus: (name) => {
      const file = join(watched, `${name}.status.json`);
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DropStatus) : undefined; // the daemon wrote it
    },
    deploy: (name, state, kind) => {
      device.drop(name, state, kind);
      return device.outcome(name, state.hash);
    },
    outcome: async (name, hash) => {
      const now = (): DropStatus | undefined => device.dropStatus(name);
      const isOver = (status: DropStatus | undefined): status is DropStatus =>
        status !== undefined && FINAL.includes(status.status) && (hash === undefined || status.hash === hash);
      await until(`${name} has ended`, () => isOver(now()), { limitMs: 60_000, detail: now });
      const status = now();
      if (!isOver(status)) throw new Error(`the status of ${name} changed after its end: ${JSON.stringify(status)}`);
      return status;
    },
    request: (method, path, body) => requestOn(join(run, 'pv-ctrl'), method, path, body),
    status: async () => JSON.parse((await device.request('GET', '/status')).body) as StatusView, // the daemon's answer
    resource: async (ref) => (await device.status()).resources.find((resource) => resource.ref === ref),
    pidOf: async (name) => {
      const observed = (await device.resource(`container/${name}`))?.observed ?? null;
      return observed !== null && 'phase' in observed && observed.phase === 'running'
        ? observed.run.initPid
        : undefined;
    },
    stateOf: async (name) => (await device.resource(`container/${name}`))?.state ?? 'NONE',
    becomes: async (name, state, notPid) => {
      let pid: number | undefined;
      const look = async (): Promise<boolean> => {
        const [now] = [await device.resource(`container/${name}`)];
        pid = await device.pidOf(name);
        return now?.state === state && (notPid === undefined || (pid !== undefined && pid !== notPid));
      };
      await until(`${name} is ${state}`, look, { detail: () => device.resource(`container/${name}`) });
      return pid ?? 0;
    },
    converged: () =>
      until('everything is converged', async () => (await unfinished(device)).length === 0, {
        detail: () => unfinished(device),
      }),
    read: async (name, path) => {
      const file = `/proc/${await device.pidOf(name)}/root${path}`;
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    },
    attach: (file) => {
      const node = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
      loops.push(node);
      return node;
    },
    console: (revision, name) => {
      const file = join(device.logs, revision, name, 'lxc/console.log');
      return existsSync(file) ? readFileSync(file, 'utf8') : '';
    },
    log: () => readFileSync(log, 'utf8'),
    traces: () => [...leftovers(directory), ...commandSockets(directory), ...runFiles(directory)],
    left: () => leftoversAfterSettling(device.traces),
    close: async () => {
      try {
        if (daemon === undefined || daemon.ended() !== null) return [];
        const code = await device.stop();
        for (const node of loops.splice(0)) execFileSync('losetup', ['-d', node]);
        return [...(await device.left()), ...(code === 0 ? [] : [`exit code ${code}`])];
      } finally {
        await daemon?.end('SIGKILL');
        await sweep(directory);
      }
    },
  };
  return device;
};

/** A revision that failed leaves the update stalled, however well the device runs. */
const unfinished = async (device: RealDevice): Promise<readonly string[]> =>
  (await device.status()).resources
    .filter(({ kind, outcome }) => kind !== 'update' && outcome !== 'converged')
    .map(({ ref, outcome, reason }) => `${ref} ${outcome}: ${reason}`);

/** Renamed into place, so that no half of it is ever seen. */
const place = (directory: string, name: string, content: string | Uint8Array): void => {
  writeFileSync(join(directory, `.${name}.partial`), content);
  renameSync(join(directory, `.${name}.partial`), join(directory, name));
};

const dropJson = ({ watched }: RealDevice, name: string, state: RealState): void => {
  mkdirSync(join(watched, 'objects'), { recursive: true });
  for (const [id, content] of state.objects) place(join(watched, 'objects'), id, content);
  place(watched, `${name}.json`, state.toText());
};

const dropTarball = ({ directory, watched }: RealDevice, name: string, state: RealState): void => {
  const staging = join(directory, `${name}.staging`);
  mkdirSync(join(staging, 'objects'), { recursive: true });
  for (const [id, content] of state.objects) writeFileSync(join(staging, 'objects', id), content);
  writeFileSync(join(staging, 'json'), state.toText());
  execFileSync('tar', ['-C', staging, '-czf', join(watched, `.${name}.partial`), 'json', 'objects']);
  renameSync(join(watched, `.${name}.partial`), join(watched, `${name}.tgz`));
  rmSync(staging, { recursive: true });
};

/** Monitors' abstract sockets: an LXC container exists as long as its own. */
const commandSockets = (directory: string): readonly string[] =>
  readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` @${directory}/`))
    .map((line) => `socket ${line.split(' ').at(-1)}`);

const runFiles = (directory: string): readonly string[] =>
  [`/run/lxc${directory}`, `/run/lxc/lock${directory}`]
    .filter(
      (path) =>
        existsSync(path) &&
        readdirSync(path, { recursive: true, withFileTypes: true }).some((entry) => !entry.isDirectory()),
    )
    .map((path) => `files in ${path}`);

/** A test with a device, which is closed after it, and must have left nothing. */
export const test = baseTest.extend<{ device: RealDevice }>({
  device: async ({ onTestFailed }, use) => {
    const device = realDevice();
    let log = '';
    onTestFailed(() => void process.stderr.write(log));
    try {
      await use(device);
    } finally {
      log = device.log();
      expect(await device.close()).toEqual([]);
    }
  },
});
