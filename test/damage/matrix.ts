/**
 * The damage matrix on the simulated device: one file is damaged in one way while no daemon runs, and a daemon starts.
 *
 * Judged: everything that does not need this file runs, whatever is wrong is named, and nothing else was deleted.
 */

import { refOf } from '../../resources/ref.ts';
import { resourceIn } from '../../resources/snapshot.ts';
import type { StorageSettings } from '../../runtime/device/storage-maintenance.ts';
import type { SimulatedHost } from '../../runtime/host/simulated/simulated.ts';
import { lxcFile } from '../scenarios/objects.ts';
import { aRig, type Rig, startRig } from '../scenarios/rig.ts';
import { settled } from '../scenarios/settled.ts';
import { aState, type StateBuilder, sha256 } from '../state-builder.ts';
import { type Damage, damage } from './damages.ts';

const STORAGE: StorageSettings = {
  checksum: true,
  reservedPercent: 5,
  keepFactory: false,
  pendingSeconds: 600,
  thresholdPercent: 0,
  defertimeSeconds: 600,
};
const CONTAINERS = ['db', 'web'] as const;
const ROOTS = ['/storage', '/run/pantavisor'];
const LIMIT_MS = 900_000;

const imageOf = (name: string, version: number): string => `hsqs ${name} ${version}`;

const stateOf = (version: number): StateBuilder =>
  CONTAINERS.reduce(
    (state, name) =>
      state
        .container(name)
        .with(`${name}/root.squashfs`, sha256(imageOf(name, version)))
        .with(`${name}/lxc.container.conf`, sha256(lxcFile(`${name}/lxc.container.conf`))),
    aState(),
  );

const contentOf = (version: number) => (key: string) =>
  key.endsWith('root.squashfs') ? imageOf(key.slice(0, key.indexOf('/')), version) : undefined;

/** A device that committed two revisions, gave up a third, and has an operator's intent on record. */
export const usedDevice = async (): Promise<Rig> => {
  const first = await aRig({ storage: STORAGE, objectContent: contentOf(1) });
  await first.run(stateOf(1), 'locals/1');
  await first.shutDown();
  const second = await startRig(first.host.restarted(), { storage: STORAGE, objectContent: contentOf(2) });
  await second.run(stateOf(2), 'locals/2');
  await second.run(stateOf(2).with('web/run.json', 'nothing'), 'locals/3').catch(() => undefined);
  await second.control('db', 'restart');
  await second.rest();
  return second;
};

/** Every regular file, by path. */
export const filesOf = async (host: SimulatedHost): Promise<readonly string[]> => {
  const { files } = host.operator;
  const found: string[] = [];
  const walk = async (directory: string): Promise<void> => {
    for (const name of (await settled(host, files.list(directory))) ?? []) {
      const path = `${directory}/${name}`;
      const type = (await settled(host, files.stat(path)))?.type;
      if (type === 'directory') await walk(path);
      else if (type === 'file') found.push(path);
    }
  };
  for (const root of ROOTS) await walk(root);
  return found;
};

export interface Verdict {
  readonly path: string;
  readonly kind: Damage;
  /** What broke the promise; empty: it was kept. */
  readonly faults: readonly string[];
  /** Something that the daemon said names the file. */
  readonly isNamed: boolean;
  /** The committed revision's containers run; else those of an earlier one. */
  readonly runs: string;
}

/** Containers that may not be able to run without this file; an object and its name in a trail are one file. */
const needing = (path: string): readonly string[] =>
  CONTAINERS.filter(
    (name) =>
      path.startsWith(`/storage/trails/locals/2/${name}/`) ||
      [imageOf(name, 2), lxcFile(`${name}/lxc.container.conf`)].some((content) => path.endsWith(sha256(content))),
  );

/** Rewritten, rotated or removed by every daemon. */
const isPassing = (path: string): boolean =>
  /^\/run\/pantavisor\/|\/\.reserve$|\/cache\/history\/|\.damaged-|\/\.corrupt-/.test(path);

/** What the daemon calls a file in its reports. */
const namesOf = (path: string): readonly string[] => {
  if (path === '/storage/boot/uboot.txt') return ['boot variables'];
  const [, revision] = /^\/storage\/trails\/(.+)\/\.pvr\/json$/.exec(path) ?? [];
  return [path, revision === undefined ? path.slice(path.lastIndexOf('/') + 1) : `revision ${revision}`];
};

export const judge = async (path: string, kind: Damage): Promise<Verdict> => {
  const problems: string[] = [];
  const faults: string[] = [];
  const before = await usedDevice();
  const there = await filesOf(before.host);
  const isOfRun = path.startsWith('/run/');
  before.device.stop();
  const wrap = await damage(before.host, path, kind);
  before.host.crash();
  const host = isOfRun ? before.host.restarted() : before.host.powerCut();
  const options = {
    storage: STORAGE,
    damage: wrap,
    onProblem: (subject: string, message: string) => problems.push(`${subject}: ${message}`),
  };
  let rig: Rig;
  try {
    rig = await startRig(host, options);
  } catch (error) {
    return { path, kind, faults: [`it does not start: ${String(error).slice(0, 300)}`], isNamed: false, runs: '' };
  }
  const names = CONTAINERS.filter((name) => !needing(path).includes(name));
  const isUp = (): boolean => names.every((name) => rig.statusOf(name) === 'STARTED');
  await rig
    .until(isUp, LIMIT_MS)
    .catch((error: unknown) => faults.push(`does not run: ${String(error).slice(0, 400)}`));
  const left = new Set(await filesOf(rig.host));
  const isSetAside = (file: string): boolean => left.has(file.replace('/objects/', '/objects/.corrupt-'));
  const lost = there.filter((file) => file !== path && !isPassing(file) && !left.has(file) && !isSetAside(file));
  if (lost.length > 0) faults.push(`deleted: ${lost.join(', ')}`);
  faults.push(...rig.bugs.map((bug) => `bug: ${String(bug)}`));
  const told = [...problems, rig.unfinished()].join('\n');
  const { committed, standIn } = rig.update();
  const isNamed = namesOf(path).some((name) => told.includes(name));
  const { spec } = resourceIn(rig.device.loop.latest(), refOf('container', 'web'));
  const runs = spec === undefined ? 'nothing' : (standIn?.revision ?? committed.revision);
  rig.device.stop();
  return { path, kind, faults, isNamed, runs };
};
