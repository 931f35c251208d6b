/** How fast bytes come in: over the control socket, from the watched directory, and by the offline import. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../../resources/state-format/canonical-json.ts';
import { download, getAgain, upload, uploadSmall } from '../asking.ts';
import { answers, type BenchDevice, type Daemon, newDirectory } from '../device.ts';
import type { Context, Figure, Section } from '../figure.ts';
import type { BenchState } from '../guest.ts';
import { withDevice } from './rig.ts';

const LARGE_BYTES = 200_000_000;
const SMALL_OBJECTS = 10_000;
const FLOOR_OBJECTS = 500;
const CLIENTS = 8;
const ROUNDS = 3;
const PIECE_BYTES = 1 << 20;
/** Of peer.md. */
const [PUT_GOAL, GET_GOAL, SMALL_GOAL, LIST_GOAL] = [300, 500, 590, 42];

interface Large {
  readonly file: string;
  readonly id: string;
}

/** Content that differs for every seed and compresses badly; on disk, as what a device gets is in the page cache. */
function makeLarge(directory: string, seed: number): Large {
  const file = join(directory, `large-${seed}`);
  const hash = createHash('sha256');
  const output = openSync(file, 'w');
  for (let written = 0, part = 0; written < LARGE_BYTES; part += 1) {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, LARGE_BYTES - written), `${seed} ${part} `);
    hash.update(piece);
    written += writeSync(output, piece);
  }
  closeSync(output);
  return { file, id: hash.digest('hex') };
}

/** What the device runs, and the large file as one more object of its only container. */
const withObject = ({ text, objects }: BenchState, id: string): BenchState => ({
  text: canonicalJson({ ...JSON.parse(text), 'c0/data.bin': id }),
  objects,
});

/** `json`, then `objects/<sha256>`, as pvr exports; tar(1), so that nothing of ours makes what we measure. */
function makeTarball(directory: string, { file, id }: Large, { text, objects }: BenchState): string {
  const tree = join(directory, `tree-${id}`);
  mkdirSync(join(tree, 'objects'), { recursive: true });
  writeFileSync(join(tree, 'json'), text);
  for (const [name, content] of objects) writeFileSync(join(tree, 'objects', name), content);
  linkSync(file, join(tree, 'objects', id));
  const tarball = join(directory, `${id}.tar`);
  execFileSync('tar', ['-cf', tarball, '-C', tree, 'json', 'objects']);
  rmSync(tree, { recursive: true });
  return tarball;
}

const rate = (milliseconds: number): number => LARGE_BYTES / 1e6 / (milliseconds / 1000);

const timed = (work: () => unknown): number => {
  const beganAtMs = performance.now();
  work();
  return performance.now() - beganAtMs;
};

/** Everything that was written before is on the disk: what follows pays for itself only. */
const settleDisk = (): void => {
  execFileSync('sync');
};

type Times = Record<'sha256sum' | 'cp' | 'put' | 'get' | 'drop' | 'offline', number>;

interface Place {
  readonly context: Context;
  readonly device: BenchDevice;
  readonly daemon: Daemon;
  readonly state: BenchState;
  readonly directory: string;
}

/** Renamed into the watched directory from the same file system, as a program that is done writing would. */
async function drop({ device, daemon }: Place, tarball: string, name: string): Promise<number> {
  const from = daemon.lines.length;
  const beganAtMs = device.dropFile(`${name}.tar`, tarball);
  const line = await daemon.line(({ msg }) => msg.startsWith('update.try:'), from);
  await daemon.line(({ msg }) => msg.startsWith('update.commit:'), from);
  return line.atMs - beganAtMs;
}

const importOffline = ({ context: { program }, directory }: Place, tarball: string, round: number): number => {
  const storage = join(directory, `storage-${round}`);
  mkdirSync(storage);
  settleDisk();
  const lasted = timed(() =>
    execFileSync(program, ['import', tarball, '--name', 'locals/large', '--storage', storage], {
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  rmSync(storage, { recursive: true });
  return lasted;
};

async function once(place: Place, round: number): Promise<Times> {
  const { device, directory, state } = place;
  const large = makeLarge(directory, round);
  const tarball = makeTarball(directory, large, withObject(state, large.id));
  settleDisk();
  const sha256sum = timed(() => execFileSync('sha256sum', [large.file], { stdio: 'ignore' }));
  const copy = join(directory, 'copy');
  const cp = timed(() => execFileSync('sh', ['-c', 'cp "$1" "$2" && sync "$2"', 'sh', large.file, copy]));
  rmSync(copy);
  const offline = importOffline(place, tarball, round);
  settleDisk();
  const put = await upload(device.socket, large.file, large.id);
  const get = await download(device.socket, large.id);
  // So that the drop brings it, and does not find it.
  rmSync(join(device.storage, 'objects', large.id));
  settleDisk();
  const dropped = await drop(place, tarball, `large-${round}`);
  rmSync(large.file);
  return { sha256sum, cp, put, get, drop: dropped, offline };
}

async function largeObjects(place: Place): Promise<readonly Figure[]> {
  const { context } = place;
  const all: Times[] = [];
  for (let round = 0; round < Math.min(ROUNDS, context.rounds); round += 1) {
    context.signal.throwIfAborted();
    all.push(await once(place, round));
  }
  const figure = (name: string, of: keyof Times, goal?: number): Figure => ({
    name,
    unit: 'MB/s',
    values: all.map((times) => rate(times[of])),
    ...(goal !== undefined && { goal }),
  });
  const last = all.at(-1);
  if (last)
    context.say(
      `import: put ${rate(last.put).toFixed(0)}, get ${rate(last.get).toFixed(0)}, drop ${rate(last.drop).toFixed(0)} MB/s`,
    );
  return [
    figure('floor: sha256sum of the same file', 'sha256sum'),
    figure('floor: cp of the same file, and sync', 'cp'),
    figure('PUT object of 200 MB, with sha256 and sync', 'put', PUT_GOAL),
    figure('GET object of 200 MB', 'get', GET_GOAL),
    figure('drop of a tarball of 200 MB, until its revision is tried', 'drop'),
    figure('pantavisor import of the tarball, with the start of the program', 'offline'),
  ];
}

/** What an object that is synced costs on this disk at the least: its file, its name. */
function syncedFiles(directory: string, count: number): number {
  const names = openSync(directory, 'r');
  const lasted = timed(() => {
    for (let index = 0; index < count; index += 1) {
      const file = openSync(join(directory, 'synced.new'), 'w');
      writeSync(file, `${index}\n`);
      fsyncSync(file);
      closeSync(file);
      renameSync(join(directory, 'synced.new'), join(directory, `synced-${index}`));
      fsyncSync(names);
    }
  });
  closeSync(names);
  return lasted;
}

async function smallObjects({ context, device, directory }: Place): Promise<readonly Figure[]> {
  const count = context.quick ? SMALL_OBJECTS / 10 : SMALL_OBJECTS;
  const byHand = syncedFiles(directory, FLOOR_OBJECTS);
  const [one, many] = [
    await uploadSmall(device.socket, 'one', count, 1),
    await uploadSmall(device.socket, 'many', count, CLIENTS),
  ];
  const { latencies } = await getAgain(device.socket, '/objects', context.rounds);
  const stored = readdirSync(join(device.storage, 'objects')).length;
  context.say(
    `import: ${((count * 1000) / one).toFixed(0)} small objects/s, ${CLIENTS} clients ${((count * 1000) / many).toFixed(0)}`,
  );
  const perSecond = (name: string, lastedMs: number, goal?: number): Figure => ({
    name: `${count} PUTs of 100 bytes, ${name}`,
    unit: 'objects/s',
    values: [(count * 1000) / lastedMs],
    ...(goal !== undefined && { goal }),
  });
  return [
    {
      name: 'floor: write, fsync, rename, fsync of the directory, one after the other',
      unit: 'objects/s',
      values: [(FLOOR_OBJECTS * 1000) / byHand],
    },
    perSecond('one client', one, SMALL_GOAL),
    perSecond(`${CLIENTS} clients at once`, many, SMALL_GOAL),
    {
      name: `GET /objects with ${stored} objects`,
      unit: 'ms',
      values: latencies,
      goal: (LIST_GOAL * stored) / SMALL_OBJECTS,
    },
  ];
}

export const importing: Section = {
  name: 'import',
  title: 'Import',
  method:
    'A file of 200 MB that every round makes anew, in the page cache; the disk is synced before each measurement. Floors and ours in turns, in the same rounds. All of ours end when the object is synced to the disk. A drop is renamed into the watched directory from the same file system; its revision is tried when the object is stored, hashed and linked into its trail. Small objects: each on a new connection, each synced before it is answered. The client is the one of section api. The goal for GET /objects is that for 10 000 objects, in proportion.',
  run: (context) =>
    withDevice(context, 1, async (device, stateOf) => {
      const directory = newDirectory();
      try {
        const daemon = await device.start();
        await answers(device.socket);
        await daemon.started(1);
        const place = { context, device, daemon, state: stateOf(0), directory };
        return [...(await largeObjects(place)), ...(await smallObjects(place))];
      } finally {
        rmSync(directory, { recursive: true });
      }
    }),
};
