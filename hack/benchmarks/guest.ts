/**
 * The containers that are measured: a busybox root of 1 MB each, and states that are made of them.
 *
 * Init leaves a mark in a directory of the machine as its first deed, waits, and ends at once when it is asked to: what
 * is measured is ours, not the container's. Every container has an image of its own, so that nothing is shared.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canonicalJson } from '../../resources/state-format/canonical-json.ts';

const DIRECTORIES = ['bin', 'dev', 'etc', 'marks', 'proc', 'run', 'sys', 'tmp'];
const APPLETS = ['sh', 'sleep', 'echo'];

/** A trap runs only between commands: sleeping in the background lets TERM through at once. */
const INIT = `#!/bin/sh
trap 'exit 0' TERM
echo >>/marks/$1
sleep 100000 &
wait
`;

/** Path of a squashfs image below `directory`, and the tree that it was made of. */
export function makeRoot(directory: string): { image: string; tree: string } {
  const tree = join(directory, 'root');
  for (const name of DIRECTORIES) mkdirSync(join(tree, name), { recursive: true });
  copyFileSync('/usr/bin/busybox', join(tree, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(tree, 'bin', applet));
  writeFileSync(join(tree, 'init'), INIT, { mode: 0o755 });
  const image = join(directory, 'root.squashfs');
  execFileSync('mksquashfs', [tree, image, '-quiet', '-no-progress', '-all-root'], { stdio: 'ignore' });
  return { image, tree };
}

/** squashfs knows its own length: what follows makes another file of the same root. */
export const imageNumber = (image: Buffer, number: number): Buffer =>
  Buffer.concat([image, Buffer.alloc(4096, `image ${number}\n`)]);

export const containerName = (index: number): string => `c${index}`;

/** What stands in both the LXC file of a container of ours and the one that is started by hand. */
export const LXC_LINES = (name: string, marks: string): readonly string[] => [
  'lxc.tty.max = 8',
  'lxc.pty.max = 1024',
  `lxc.init.cmd = /init ${name}`,
  'lxc.signal.halt = SIGTERM',
  'lxc.namespace.keep = user net ipc',
  'lxc.mount.auto = proc sys:rw cgroup',
  `lxc.mount.entry = ${marks} marks none bind,rw 0 0`,
];

export interface BenchState {
  readonly text: string;
  readonly objects: ReadonlyMap<string, Buffer>;
}

const idOf = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** `count` containers in one group; `version` is of the first one alone. */
export function benchState(image: Buffer, marks: string, count: number, version = 0): BenchState {
  const objects = new Map<string, Buffer>();
  const object = (content: string | Buffer): string => {
    const id = idOf(content);
    objects.set(id, Buffer.from(content));
    return id;
  };
  const state: Record<string, unknown> = { '#spec': 'pantavisor-service-system@1' };
  for (let index = 0; index < count; index += 1) {
    const name = containerName(index);
    const config = [
      ...LXC_LINES(name, marks),
      `lxc.rootfs.path = overlayfs:/volumes/${name}/root.squashfs:/volumes/${name}/lxc-overlay/upper`,
      '',
    ];
    state[`${name}/lxc.container.conf`] = object(config.join('\n'));
    state[`${name}/root.squashfs`] = object(imageNumber(image, index));
    state[`${name}/run.json`] = {
      '#spec': 'service-manifest-run@1',
      config: 'lxc.container.conf',
      drivers: { manual: [], optional: [], required: [] },
      group: 'platform',
      name,
      'root-volume': 'root.squashfs',
      storage: { 'lxc-overlay': { persistence: 'boot' } },
      type: 'lxc',
      volumes: [],
    };
  }
  if (count > 0) state['_config/c0/etc/version'] = object(`version ${version}\n`);
  return { text: canonicalJson(state), objects };
}

/** As a factory would: revision 0 with all its files, and the objects of others. */
export function stage(storage: string, revision: BenchState, others: readonly BenchState[] = []): void {
  const trail = join(storage, 'trails/0');
  mkdirSync(join(storage, 'objects'), { recursive: true });
  mkdirSync(join(trail, '.pvr'), { recursive: true });
  for (const { objects } of [revision, ...others])
    for (const [id, content] of objects) writeFileSync(join(storage, 'objects', id), content);
  for (const [key, value] of Object.entries(JSON.parse(revision.text))) {
    if (key === '#spec') continue;
    mkdirSync(join(trail, dirname(key)), { recursive: true });
    if (typeof value === 'string') linkSync(join(storage, 'objects', value), join(trail, key));
    else writeFileSync(join(trail, key), canonicalJson(value));
  }
  writeFileSync(join(trail, '.pvr/json'), revision.text);
}

export const readImage = (path: string): Buffer => readFileSync(path);
