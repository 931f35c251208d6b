/**
 * The floor: the same containers started by hand, with nothing but mount(8), lxc-start and crun.
 *
 * Every container gets what ours get: its image on a loop device, a tmpfs for what it writes, an overlay of the two.
 * All are started at once, by a shell that is ready and waiting. In: images and a place. Out: when the inits had left their marks. Everything is ended and
 * unmounted again after each round.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerName, imageNumber, LXC_LINES } from './guest.ts';
import { watchMarks } from './marks.ts';

export interface Floor {
  /** Mounts and starts `count` containers in the way named. @returns milliseconds until the last init ran. */
  run(way: Way, count: number): Promise<number>;
}
/** `lxc`: mounts and lxc-start; `lxc-start`: with the mounts already made; `crun`: mounts and crun. */
export type Way = 'lxc' | 'lxc-start' | 'crun';

const MOUNT = (place: string): string =>
  [
    `mount -o loop,ro -t squashfs ${place}/image ${place}/lower`,
    `mount -t tmpfs tmpfs ${place}/boot`,
    `mkdir ${place}/boot/upper ${place}/boot/work`,
    `mount -t overlay -o lowerdir=${place}/lower,upperdir=${place}/boot/upper,workdir=${place}/boot/work overlay ${place}/rootfs`,
  ].join(' && ');

const allAtOnce = (scripts: readonly string[]): string => scripts.map((script) => `{ ${script}; } &`).join('\n');

/** In a mount namespace of its own, which takes all mounts along when it ends. crun refuses machines that have cgroups of both versions. */
const SHELL = ['--mount', '--propagation', 'private', 'sh', '-c'];
const WITHOUT_V2 = 'if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi';

export function floor(directory: string, image: Buffer, most: number): Floor {
  const marks = join(directory, 'marks');
  const lxcPath = join(directory, 'lxc');
  mkdirSync(marks);
  const names = Array.from({ length: most }, (_, index) => containerName(index));
  const placeOf = (name: string): string => join(lxcPath, name);
  for (const [index, name] of names.entries()) layOut(placeOf(name), name, imageNumber(image, index), marks);

  const crun = `crun --root ${directory}/crun`;
  const startOf = (way: Way, name: string): string =>
    way === 'crun' ? `${crun} run -d --bundle ${placeOf(name)} ${idOf(name)}` : `lxc-start -P ${lxcPath} -n ${name} -F`;
  const stopOf = (way: Way, name: string): string =>
    way === 'crun' ? `${crun} delete -f ${idOf(name)}` : `lxc-stop -k -P ${lxcPath} -n ${name}`;
  /** Prepared; starts with a line on its input, stops with the next. */
  const scriptOf = (way: Way, these: readonly string[]): string =>
    [
      way === 'crun' ? WITHOUT_V2 : '',
      way === 'lxc-start' ? these.map((name) => MOUNT(placeOf(name))).join('\n') : '',
      'echo prepared; read -r _',
      allAtOnce(
        these.map((name) => `${way === 'lxc-start' ? '' : `${MOUNT(placeOf(name))} && `}${startOf(way, name)}`),
      ),
      'read -r _',
      allAtOnce(these.map((name) => stopOf(way, name))),
      'wait',
    ].join('\n');

  return {
    run: async (way, count) => {
      for (const name of names) rmSync(join(marks, name), { force: true });
      const watching = watchMarks(marks);
      const shell = spawn('unshare', [...SHELL, scriptOf(way, names.slice(0, count))], {
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      const ended = once(shell, 'exit');
      try {
        await once(shell.stdout, 'data');
        const beganAtMs = performance.now();
        shell.stdin.write('start\n');
        return (await watching.left(count)) - beganAtMs;
      } finally {
        watching.close();
        shell.stdin.end('stop\n');
        await ended;
      }
    },
  };
}

const idOf = (name: string): string => `pantavisor-bench-${process.pid}-${name}`;

function layOut(place: string, name: string, image: Buffer, marks: string): void {
  for (const name of ['lower', 'boot', 'rootfs']) mkdirSync(join(place, name), { recursive: true });
  writeFileSync(join(place, 'image'), image);
  const config = [...LXC_LINES(name, marks), `lxc.uts.name = ${name}`, `lxc.rootfs.path = dir:${place}/rootfs`, ''];
  writeFileSync(join(place, 'config'), config.join('\n'));
  writeFileSync(join(place, 'config.json'), JSON.stringify(ociConfig(name, marks)));
}

/** The same kept and new namespaces, mounts and process as the LXC file's. */
const ociConfig = (name: string, marks: string): object => ({
  ociVersion: '1.0.2',
  process: {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: ['/init', name],
    env: ['PATH=/bin'],
    cwd: '/',
    capabilities: {},
  },
  root: { path: 'rootfs' },
  hostname: name,
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'ro'] },
    { destination: '/marks', type: 'bind', source: marks, options: ['bind', 'rw'] },
  ],
  linux: { namespaces: ['pid', 'uts', 'mount'].map((type) => ({ type })) },
});
