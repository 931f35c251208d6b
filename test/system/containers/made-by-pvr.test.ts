/** What containers rely on that were written for Pantavisor's own LXC, on LXC as the machine has it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { captureDirectory } from '../../../resources/lxc/lxc-place.ts';
import { until } from '../host/scratch.ts';
import { describeSystem } from '../require-root.ts';
import { type Bench, bench, type OpenContainers } from './bench.ts';

const WAIT = "trap 'exit 0' TERM PWR; while :; do sleep 0.1; done";

describeSystem('containers made by pvr', () => {
  let here: Bench;
  let containers: OpenContainers;
  beforeEach(async () => {
    here = bench();
    containers = await here.open();
  });
  afterEach(async () => {
    await here.cleanup();
    expect(here.traces()).toEqual([]);
  });

  const start = async (script: string, lines: string): Promise<void> => {
    await containers.configure('web', here.configOf('web', script, { lines }));
    await containers.start('web');
  };
  const printed = async (end: string): Promise<string> => {
    const file = `${captureDirectory(here.paths, { name: 'web', startedIn: 'r1' })}/console.log`;
    const read = () => (existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\r', '') : '');
    await until(() => read().includes(end));
    return read();
  };

  test('are given the words of their command without quotes', async () => {
    await start(
      `for word; do echo "<$word>"; done; echo end; ${WAIT}`,
      'lxc.init.cmd = /init.sh "two words" "-c" "a \\"b\\"; c"\n',
    );
    expect(await printed('end\n')).toContain('<two words>\n<-c>\n<a "b"; c>\nend\n');
  });

  test('have overlays whose directories nobody made, and sources that are made', async () => {
    const volume = `${here.paths.volumes}/web/var`;
    const lower = `${here.paths.volumes}/web/lower`;
    mkdirSync(lower, { recursive: true });
    writeFileSync(`${lower}/below`, 'from the image\n');
    await start(
      `cat /var/below; echo x > /var/written; echo y > /data/written; echo end; ${WAIT}`,
      `lxc.mount.entry = /volumes/web/var var overlay lowerdir=/volumes/web/lower,upperdir=/volumes/web/var/upper,workdir=/volumes/web/var/work,create=dir 0 0
lxc.mount.entry = /volumes/web/data data none bind,rw,origin=mkdir,create=dir 0 0
`,
    );
    expect(await printed('end\n')).toContain('from the image\n');
    expect(readFileSync(`${volume}/upper/written`, 'utf8')).toBe('x\n');
    expect(readFileSync(`${here.paths.volumes}/web/data/written`, 'utf8')).toBe('y\n');
  });

  test("start with keys of Pantavisor's LXC, and hooks with parameters", async () => {
    const told = `${here.paths.run}/hook`;
    await start(
      `echo end; ${WAIT}`,
      `lxc.rootfs.bdev_type = dir\nlxc.tty.min = 2\nlxc.hook.pre-start = /bin/sh -c 'echo "$*" > ${told}' sh a b\n`,
    );
    await printed('end\n');
    expect(readFileSync(told, 'utf8')).toMatch(/^a b web lxc pre-start/);
  });
});
